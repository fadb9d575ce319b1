/// In which proportion samples of two streams are taken, such as 10:1.
package struct MixingRatio: Sendable, Equatable {
    package let first: Int
    package let second: Int

    /// Parts of each; beyond these a ratio says nothing more.
    package static let parts = 1...1_000_000

    package init(_ first: Int, _ second: Int) {
        precondition(Self.parts.contains(first) && Self.parts.contains(second))
        self.first = first
        self.second = second
    }

    /// nil for what is not written N:M.
    package init?(_ text: String) {
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let first = numbers[0], let second = numbers[1], Self.parts.contains(first),
            Self.parts.contains(second)
        else { return nil }
        self.init(first, second)
    }

    package var text: String { "\(first):\(second)" }

    /// How many of the samples `start` ..< `start + count` are the first stream's. Of any number of samples from the first
    /// on it has its share to within one.
    package func countOfFirst(from start: Int, count: Int) -> Int { share(of: start + count) - share(of: start) }

    /// Rounded down.
    private func share(of count: Int) -> Int {
        let product = UInt(count).multipliedFullWidth(by: UInt(first))
        return Int(UInt(first + second).dividingFullWidth(product).quotient)
    }
}
