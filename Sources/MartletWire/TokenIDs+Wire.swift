internal import CMartletProtos
internal import MartletCore

/// Token ids: `uint32` on the wire, `Int32` inside.
enum TokenIDs {
    /// - Throws: `.invalidArgument` naming the first id that no vocabulary can have.
    static func read(_ list: Martlet__V1__TokenIDs, _ field: @autoclosure () -> String) throws(MartletError) -> [Int32]
    {
        let ids = UnsafeBufferPointer(start: list.ids, count: list.ids == nil ? 0 : list.n_ids)
        var result: [Int32] = []
        result.reserveCapacity(ids.count)
        for (index, id) in ids.enumerated() {
            result.append(try number(id, "\(field()).ids[\(index)]"))
        }
        return result
    }

    static func number(_ value: UInt32, _ field: @autoclosure () -> String) throws(MartletError) -> Int32 {
        guard let number = Int32(exactly: value) else {
            throw MartletError(.invalidArgument, "\(field()) is \(value), above \(Int32.max)")
        }
        return number
    }

    static func build(_ ids: [Int32], in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__TokenIDs> {
        let list = arena.make(martlet__v1__token_ids__init)
        list.pointee.n_ids = ids.count
        list.pointee.ids = arena.values(ids) { UInt32(clamping: $0) }
        return list
    }
}
