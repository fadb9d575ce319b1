import HLTensor

/// What reading one file may still use up; shared with the files nested in it.
final class PickleBudget {
    private var operations = PickleLimits.operations
    private var nodes = PickleLimits.nodes
    private var copiedBytes: Int

    /// - Parameter fileSize: bytes; what is copied out of the file while it is read stays in proportion to it.
    init(fileSize: Int) {
        copiedBytes = (1 << 24) + min(fileSize, 1 << 40) * 4
    }

    func spendOperations(_ count: Int = 1) throws {
        operations -= min(count, PickleLimits.operations)
        if operations < 0 { throw Self.failure("operations") }
    }

    func spendNode() throws {
        nodes -= 1
        if nodes < 0 { throw Self.failure("containers") }
    }

    func spendCopy(_ count: Int) throws {
        guard count <= copiedBytes else { throw Self.failure("copies") }
        copiedBytes -= count
    }

    private static func failure(_ what: String) -> Failure {
        Failure(.data, "the pickle asks for more \(what) than any real file", "it is damaged or hostile; do not use it")
    }
}

/// Owns the nodes of one pickle while it is read, so that neither cycles nor chains of any length are left behind: when
/// reading fails, every node is emptied; when it succeeds, cycles are cut and the depth is bounded.
final class PickleArena {
    private var nodes: [PickleNode] = []
    private let budget: PickleBudget

    init(budget: PickleBudget) { self.budget = budget }

    deinit {
        for node in nodes {
            node.slots = []
            (node as? PickleObject)?.replacement = nil
        }
    }

    func add<Node: PickleNode>(_ node: Node) throws -> Node {
        try budget.spendNode()
        nodes.append(node)
        return node
    }

    /// Hands the graph below `root` over to the caller.
    func seal(_ root: PickleValue) throws -> PickleValue {
        let root = Self.replaced(root)
        if let top = root.node { try cutCycles(below: top) }
        // What the root does not reach is emptied before it is let go.
        for node in nodes where node.mark != 2 { node.slots = [] }
        nodes = []
        return root
    }

    private static func replaced(_ value: PickleValue) -> PickleValue {
        if case .object(let object) = value, let replacement = object.replacement { return replacement }
        return value
    }

    /// Depth first and without recursion, for the graph can be as deep as the file is long.
    private func cutCycles(below top: PickleNode) throws {
        var path: [(node: PickleNode, next: Int)] = [(top, 0)]
        top.mark = 1
        while let (node, next) = path.last {
            guard next < node.slots.count else {
                node.mark = 2
                path.removeLast()
                if let parent = path.last?.node { parent.height = max(parent.height, node.height + 1) }
                guard node.height < PickleLimits.depth else { throw Self.tooDeep }
                continue
            }
            path[path.count - 1].next += 1
            if case .object(let object) = node.slots[next], let replacement = object.replacement {
                node.slots[next] = replacement
            }
            guard let child = node.slots[next].node else { continue }
            switch child.mark {
            case 0:
                guard path.count < PickleLimits.depth else { throw Self.tooDeep }
                child.mark = 1
                path.append((child, 0))
            case 1: node.slots[next] = .recursion
            default: node.height = max(node.height, child.height + 1)
            }
        }
    }

    private static var tooDeep: Failure {
        Failure(
            .data, "the pickle nests containers more than \(PickleLimits.depth) deep",
            "it is damaged or hostile; do not use it")
    }
}
