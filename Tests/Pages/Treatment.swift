/// How an example is run that is no script for bash. All others are, as they stand.
enum Treatment {
    /// Python, with lines before it and arguments, pipes and the like behind it.
    case python(modules: String, before: String = "", behind: String = "")
    /// A file that a later example names; it is run there.
    case file(String)
    /// Bash, where Python has these modules.
    case bash(modules: String)
    /// A script for another shell, by line.
    case shells([String])
    /// What a command prints, but for where lines end.
    case output(of: String)
    case json
    /// No command at all, or one that is tried elsewhere.
    case notRun(because: String)

    /// By the page and the beginning of the example, of which there has to be one.
    static let all: [(page: String, start: String, treatment: Treatment)] = [
        (
            "man/hl-export.1", "import torch\nimport torchvision\n",
            .output(of: "hl-export -q --encoder small.safetensors -o small.pth")
        ),
        ("man/hl-recipes.7", "from hlviews import arrays", .python(modules: "numpy, zstandard")),
        ("man/hl-run.5", "{\n  \"hl.run\"", .json),
        (
            "man/hl-run.5", "z /sys/class/powercap/intel-rapl:*/energy_uj 0440 root adm",
            .notRun(because: "it is a line of systemd-tmpfiles, not a command")
        ),
        ("man/hl-stream.5", "import json, safetensors.numpy, sys", .file("read.py")),
        (
            "man/hl-stream.5", "hl-sample -n 10000 | zstd -dc | python3 read.py",
            .bash(modules: "numpy, safetensors")
        ),
        (
            "man/hl-stream.5", "import json, numpy, safetensors.numpy, sys, zstandard",
            .python(modules: "numpy, safetensors, zstandard", behind: "| hl-view --info")
        ),
        (
            "man/hl-train.1", "import json, safetensors, safetensors.torch, torch, torchvision",
            .python(
                modules: "safetensors, torch, torchvision",
                before: """
                    import shutil, torch
                    shutil.copy("wide.safetensors", "encoder.safetensors")  # Of torchvision's width.
                    images = torch.rand(4, 3, 64, 64)
                    """)
        ),
        ("man/hl-views.7", "source <(hl-view --generate-completion-script bash)", .shells(["bash", "zsh", "fish"])),
        (
            "README.md", "views = ViewStream(Command(",
            .python(
                modules: "numpy, torch, zstandard",
                before: """
                    import itertools, torch.utils.data
                    from hlviews import *
                    from hlviews.torch import *
                    class DataLoader(torch.utils.data.DataLoader):  # The stream has no end.
                        def __iter__(self): return itertools.islice(super().__iter__(), 4)
                    """)
        ),
        (
            "examples/README.md", "generator  photographs  arm  sigma",
            .notRun(because: "it is the columns of a file, not a command")
        ),
        (
            "examples/README.md", "Table 2 (tiny: generator shapes",
            .notRun(because: "it is what table2.sh prints, which PaperTests reads")
        ),
    ]
}
