internal import MartletCore
internal import MartletWire

/// Token ids in a JSON body.
enum TokenIDList {
    static func read(_ field: JSONField) throws(MartletError) -> [Int32] {
        var ids: [Int32] = []
        for element in try field.elements() { ids.append(Int32(try element.integer(in: 0...Int(Int32.max)))) }
        return ids
    }
}
