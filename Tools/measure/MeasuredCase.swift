import Foundation

/// One line of a measurement: Martlet beside a peer or a stated limit. A ratio above 1 means Martlet is better.
struct MeasuredCase: Codable {
    var `case`: String
    var martlet: Double
    var peer: String
    var peerValue: Double?
    var unit: String
    var ratio: Double?
    var target: Double?
    var holds: Bool?

    enum CodingKeys: String, CodingKey {
        case `case`, martlet, peer, unit, ratio, target, holds
        case peerValue = "peer_value"
    }

    /// A value that must not exceed `limit`.
    static func below(_ limit: Double, _ name: String, _ value: Double, unit: String) -> MeasuredCase {
        let ratio = limit <= 0 ? (value <= limit ? 1 : 0) : limit / max(value, 1e-9)
        return MeasuredCase(
            case: name, martlet: value, peer: "limit", peerValue: limit, unit: unit, ratio: ratio, target: 1,
            holds: ratio >= 1)
    }

    /// A value that is shown and has no target.
    static func shown(_ name: String, _ value: Double, unit: String) -> MeasuredCase {
        MeasuredCase(
            case: name, martlet: value, peer: "", peerValue: nil, unit: unit, ratio: nil, target: nil, holds: nil)
    }

    func print(json: Bool) {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let line = (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
            Swift.print(line)
        } else if let holds {
            let limit = rounded(peerValue ?? 0), word = holds ? "holds" : "MISSED"
            Swift.print("\(`case`): \(rounded(martlet)) \(unit), limit \(limit): \(word)")
        } else {
            Swift.print("\(`case`): \(rounded(martlet)) \(unit)")
        }
    }

    private func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
