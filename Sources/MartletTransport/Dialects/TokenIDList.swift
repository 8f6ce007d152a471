internal import MartletCore
internal import MartletWire

/// Token ids in a JSON body.
enum TokenIDList {
    static func read(_ field: JSONField) throws(MartletError) -> [Int32] {
        guard case .array(let elements)? = field.value else { throw field.mustBe("a list") }
        var ids: [Int32] = []
        ids.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            // A place with a name for each of a million ids would take more memory than the ids.
            if case .number(let number) = element, let id = Int32(number.text), id >= 0 {
                ids.append(id)
            } else {
                let place = JSONField(element, path: "\(field.path)[\(index)]")
                throw place.mustBe("an integer from 0 to \(Int32.max)")
            }
        }
        return ids
    }
}
