import Foundation
import MartletCore

/// One part of `martlet-measure` that reads options, measures and prints.
protocol MeasureCommand {
    static var name: String { get }
    static var help: String { get }
    init()
    /// False when help was asked for.
    mutating func read(_ arguments: [String]) throws(MartletError) -> Bool
    func run() throws
}

extension MeasureCommand {
    /// - Returns: the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            var command = Self()
            guard try command.read(arguments) else {
                print(help)
                return 0
            }
            try command.run()
            return 0
        } catch {
            note("martlet-measure \(name): \(error)")
            return 2
        }
    }

    /// A line on standard error.
    static func note(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
