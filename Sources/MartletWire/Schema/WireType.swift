/// How a field's value stands on the wire (protobuf encoding, "message structure"). Groups are not spoken.
package enum WireType: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
}
