import Glibc

/// Where NVIDIA's libraries may be, in this order: folders that HL_CUDA_LIBRARIES names, the system's loader,
/// `/usr/local/cuda*`, a Conda environment, and the packages of Python.
package struct CUDASearch: Sendable {
    /// The folders of HL_CUDA_LIBRARIES.
    package let named: [String]
    /// `/usr/local`
    private let local: String
    /// The root of a Conda environment.
    private let conda: String?
    /// Folders in which Pythons keep packages, the likeliest first.
    private let packages: [String]

    /// - Parameters:
    ///   - variable: of the environment.
    ///   - local: where toolkits are installed.
    package init(
        _ variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }, local: String = "/usr/local"
    ) {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        func list(_ name: String) -> [String] { (value(name) ?? "").split(separator: ":").map(String.init) }
        named = list("HL_CUDA_LIBRARIES")
        self.local = local
        conda = value("CONDA_PREFIX")
        packages = Self.packages(
            path: list("PATH"), environment: value("VIRTUAL_ENV"), home: value("HOME"), local: local)
    }

    /// Files, and names for the system's loader, that may be a library, the best first.
    /// - Parameters:
    ///   - major: of CUDA.
    ///   - named: only in the folders that are named.
    package func candidates(_ library: CUDALibrary, major: Int, onlyNamed: Bool = false) -> [String] {
        let names = library.fileNames(major: major)
        func files(_ folders: [String]) -> [String] {
            folders.flatMap { folder in names.map { "\(folder)/\($0)" } }.filter { access($0, R_OK) == 0 }
        }
        let first = files(named.flatMap { [$0, "\($0)/lib64", "\($0)/lib"] + pip($0, library, major) })
        if onlyNamed { return first }
        // Without a number it is the one that the administrator chose.
        let toolkits =
            ["\(local)/cuda/lib64"] + Self.matches(local, "cuda-*/lib64") + (conda.map { ["\($0)/lib"] } ?? [])
        return first + names + files(toolkits) + files(packages.flatMap { pip($0, library, major) })
    }

    /// The library's folders among the packages of a Python.
    private func pip(_ packages: String, _ library: CUDALibrary, _ major: Int) -> [String] {
        // Its name does not tell for which CUDA a cuDNN is made; pip's does.
        if library == .cudnn, !Self.matches(packages, "nvidia_cudnn_cu*.dist-info").isEmpty,
            Self.matches(packages, "nvidia_cudnn_cu\(major)-*.dist-info").isEmpty
        {
            return []
        }
        return library.pipFolders(major: major).map { "\(packages)/nvidia/\($0)" }
    }

    /// A file in the folder of another; where that is a name without a folder, a name.
    package static func neighbour(of path: String, _ name: String) -> String {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().map(String.init)
        return (folder + [name]).joined(separator: "/")
    }

    // MARK: Python

    /// The packages of python3 on the path, of the active environment, of the system and of the user. No Python is run
    /// for it.
    private static func packages(path: [String], environment: String?, home: String?, local: String) -> [String] {
        var roots: [String] = [], version = "python3"
        let pythons = path.map { folder in "\(folder)/python3" }
        if let python = pythons.first(where: { access($0, X_OK) == 0 }) {
            // A virtual environment's is a link, and what it stands on may have packages too.
            roots.append(root(of: python))
            if let real = realpath(python, nil) {
                let text = String(cString: real)
                roots.append(root(of: text))
                version = text.split(separator: "/").last.map(String.init) ?? version
                free(real)
            }
        }
        roots += [environment, local, home.map { "\($0)/.local" }].compactMap { $0 }
        var result: [String] = []
        for root in roots {
            for pattern in ["lib/\(version)", "lib64/\(version)", "lib/python3*", "lib64/python3*"] {
                for folder in matches(root, "\(pattern)/*-packages") where !result.contains(folder) {
                    result.append(folder)
                }
            }
        }
        return result
    }

    /// Of ROOT/bin/python3.
    private static func root(of python: String) -> String {
        python.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    }

    /// Paths in a folder that match a pattern, those with higher numbers first.
    private static func matches(_ folder: String, _ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        let literal = folder.map { "*?[\\".contains($0) ? "\\\($0)" : String($0) }.joined()
        guard glob("\(literal)/\(pattern)", 0, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
        let all = (0..<Int(found.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
        return all.sorted { numbers($1).lexicographicallyPrecedes(numbers($0)) }
    }

    /// [12, 4] of cuda-12.4.
    private static func numbers(_ path: String) -> [Int] {
        path.split { !$0.isNumber }.compactMap { Int($0) }
    }
}
