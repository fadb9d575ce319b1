import HLFormats

/// What a data set leaves out of what lies in its place, so that it can be said: by reason, how many and one of them.
package struct Omissions: Sendable {
    package enum Reason: Int, Sendable, CaseIterable {
        /// Pictures of formats that are not read.
        case format
        /// Links to what is not there.
        case danglingLink
        /// Pictures whose name begins with a dot.
        case hidden
        /// Pictures that lie outside of the folders of classes.
        case unclassified
        /// Folders that other systems put beside the user's own, such as `@eaDir`.
        case foreignFolder
        /// Links to a folder above them.
        case circle
        /// Classes of which nothing is left.
        case emptyClass
        /// What a published list names and is not there.
        case gone
        /// Images that the set gives no label.
        case unlabelled
        /// What an archive holds beside files: links, and names that lead out of it.
        case unsafeMember
        /// Images smaller than what is to be cut out of them.
        case small

        fileprivate func text(_ count: Int) -> String {
            let one = count == 1
            return switch self {
            case .format: one ? "picture of a format that is not read" : "pictures of formats that are not read"
            case .danglingLink: one ? "link that leads nowhere" : "links that lead nowhere"
            case .hidden: one ? "hidden picture" : "hidden pictures"
            case .unclassified: one ? "picture outside of the classes" : "pictures outside of the classes"
            case .foreignFolder: one ? "folder of another system" : "folders of another system"
            case .circle: one ? "link into a folder above it" : "links into folders above them"
            case .emptyClass: one ? "class without images" : "classes without images"
            case .gone: one ? "listed image that is gone" : "listed images that are gone"
            case .unlabelled: one ? "image without a label" : "images without a label"
            case .unsafeMember: one ? "link or name out of the archive" : "links or names out of the archive"
            case .small: one ? "image that is too small" : "images that are too small"
            }
        }
    }

    private var found: [Reason: (count: Int, example: SystemPath)] = [:]

    package init() {}

    package var isEmpty: Bool { found.isEmpty }

    package func count(_ reason: Reason) -> Int { found[reason]?.count ?? 0 }

    package mutating func add(_ reason: Reason, _ path: @autoclosure () -> SystemPath) {
        if found[reason] == nil { found[reason] = (1, path()) } else { found[reason]?.count += 1 }
    }

    package mutating func add(_ reason: Reason, count: Int, _ example: SystemPath) {
        guard count > 0 else { return }
        found[reason] = (self.count(reason) + count, found[reason]?.example ?? example)
    }

    package mutating func add(_ others: Omissions) {
        for (reason, other) in others.found {
            found[reason] = (count(reason) + other.count, found[reason]?.example ?? other.example)
        }
    }

    /// `3 pictures of formats that are not read (such as a/2.webp) and 1 link that leads nowhere (a/7.jpg)`
    package var text: String {
        let parts = Reason.allCases.compactMap { reason in
            found[reason].map { entry in
                "\(entry.count) \(reason.text(entry.count)) (\(entry.count == 1 ? "" : "such as ")\(entry.example.shown))"
            }
        }
        return parts.count < 2
            ? parts.joined() : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    }
}
