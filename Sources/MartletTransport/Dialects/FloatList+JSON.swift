internal import MartletWire

extension Collection<Float> {
    /// A JSON list of numbers, written without a tree of values: a vector has hundreds, and an answer many vectors.
    func appendJSON(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for value in self {
            if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
            if value.isFinite {
                bytes.append(contentsOf: value.description.utf8)
            } else {
                JSONValue.float(value).append(to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
