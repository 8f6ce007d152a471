import Foundation
import MartletCore
import MartletEncoder
import MartletTestSupport
import Testing

/// One case of Fixtures/logits.json, written by Tools/fixtures/make_encoder_fixtures.py.
struct LogitsCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Sequence: Decodable, Sendable {
        let ids: [Int32]
        let typeIDs: [Int32]
        let logits: [Float]
        /// Mean of the last hidden states.
        let mean: [Float]
    }

    let name: String
    let configuration: EncoderConfiguration
    let precision: String
    let seed: UInt64
    let smooth: Bool
    let sequences: [Sequence]

    var testDescription: String { name }

    static let all: [LogitsCase] = {
        guard let folder = Bundle.module.resourceURL,
            let data = try? Data(contentsOf: folder.appendingPathComponent("Fixtures/logits.json")),
            let cases = try? JSONDecoder().decode([LogitsCase].self, from: data)
        else { return [] }
        return cases
    }()

    var weights: RandomWeights {
        RandomWeights(configuration, precision: precision == "int8" ? .int8 : .float32, seed: seed, smooth: smooth)
    }

    func model(_ level: CPULevel) throws -> EncoderModel {
        try EncoderModel(configuration: configuration, tensors: weights, kernels: .best(atMost: level))
    }
}
