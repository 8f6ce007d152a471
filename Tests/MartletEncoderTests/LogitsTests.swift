import Dispatch
import MartletCore
import MartletEncoder
import MartletTestSupport
import Testing

@Suite("Logits")
struct LogitsTests {
    @Test("the fixture holds every activation in both precisions")
    func fixtureIsComplete() {
        #expect(LogitsCase.all.count == 6)
        #expect(Set(LogitsCase.all.map(\.configuration.activation)) == Set(Activation.allCases))
    }

    @Test("agree with an independent float64 implementation", arguments: LogitsCase.all, KernelTable.runnableHere)
    func agreeWithFixture(fixture: LogitsCase, level: CPULevel) throws {
        let model = try fixture.model(level)
        #expect(model.kernels.level == level)
        var batch = PackedBatch()
        for sequence in fixture.sequences { batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs) }
        var logits: [Float] = []
        try model.run(batch, scratch: try model.scratch(rowsMax: batch.rows), results: &logits)
        let expected = fixture.sequences.flatMap(\.logits)
        #expect(logits.count == expected.count)
        // Float: the bound of the real model. Int8: one step of a row's 255 may round the other way in float64, which
        // moves a logit by about the step.
        let bound: Float = fixture.precision == "int8" ? 0.03 : 2e-5
        let worst = zip(logits, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < bound, "worst difference \(worst)")
    }

    @Test("mean embeddings agree with it too", arguments: LogitsCase.all, KernelTable.runnableHere)
    func meansAgreeWithFixture(fixture: LogitsCase, level: CPULevel) throws {
        let model = try fixture.model(level)
        var batch = PackedBatch()
        for sequence in fixture.sequences { batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs) }
        var means: [Float] = []
        try model.run(batch, output: .meanEmbedding, scratch: try model.scratch(rowsMax: batch.rows), results: &means)
        let expected = fixture.sequences.flatMap(\.mean)
        #expect(means.count == expected.count)
        let bound: Float = fixture.precision == "int8" ? 0.03 : 2e-5
        let worst = zip(means, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < bound, "worst difference \(worst)")
    }

    @Test("first rows and means are those of the hidden states, bit by bit", arguments: LogitsCase.all)
    func vectorsAreOfTheHiddenStates(fixture: LogitsCase) throws {
        let model = try fixture.model(KernelTable.best().level)
        let width = fixture.configuration.hiddenSize
        var batch = PackedBatch()
        for sequence in fixture.sequences { batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs) }
        let scratch = try model.scratch(rowsMax: 40)
        func run(_ output: EncoderOutput) throws -> [Float] {
            var results: [Float] = []
            try model.run(batch, output: output, scratch: scratch, results: &results)
            return results
        }
        let states = try run(.hiddenStates), means = try run(.meanEmbedding), firsts = try run(.clsEmbedding)
        #expect(states.count == batch.rows * width && firsts.count == batch.sequences * width)
        for sequence in 0..<batch.sequences {
            let rows = batch.offsets[sequence]..<batch.offsets[sequence + 1]
            let own = sequence * width..<(sequence + 1) * width
            #expect(Array(firsts[own]) == Array(states[rows.lowerBound * width..<(rows.lowerBound + 1) * width]))
            var mean = [Float](repeating: 0, count: width)
            for row in rows { for column in 0..<width { mean[column] += states[row * width + column] } }
            let inverse = 1 / Float(rows.count)
            #expect(Array(means[own]) == mean.map { $0 * inverse })
        }
    }

    @Test("an encoder without a head gives the same vectors, needs no tensors of a head, and refuses logits")
    func withoutHead() throws {
        let fixture = try #require(LogitsCase.all.first { $0.name == "even int8" })
        var configuration = fixture.configuration
        configuration.labels = 0
        let weights = fixture.weights
        for part in ["pooler.dense", "classifier"] { for end in [".weight", ".bias"] { weights.remove(part + end) } }
        let model = try EncoderModel(configuration: configuration, tensors: weights, kernels: .best())
        var batch = PackedBatch()
        for sequence in fixture.sequences { batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs) }
        var means: [Float] = [], expected: [Float] = []
        try model.run(
            batch, output: .meanEmbedding, scratch: try model.scratch(rowsMax: batch.rows), results: &means)
        let whole = try fixture.model(KernelTable.best().level)
        try whole.run(
            batch, output: .meanEmbedding, scratch: try whole.scratch(rowsMax: batch.rows), results: &expected)
        #expect(means == expected)
        let error = #expect(throws: MartletError.self) {
            try model.run(batch, scratch: try model.scratch(rowsMax: batch.rows), results: &means)
        }
        #expect(error?.code == .failedPrecondition && means == expected)
    }

    @Test("have the same bits at every CPU level", arguments: LogitsCase.all)
    func sameBitsAtEveryLevel(fixture: LogitsCase) throws {
        var batch = PackedBatch()
        for sequence in fixture.sequences { batch.append(ids: sequence.ids, typeIDs: sequence.typeIDs) }
        var answers: [[UInt32]] = []
        for level in KernelTable.runnableHere {
            let model = try fixture.model(level)
            var logits: [Float] = []
            try model.run(batch, scratch: try model.scratch(rowsMax: batch.rows), results: &logits)
            answers.append(logits.map(\.bitPattern))
        }
        #expect(Set(answers).count == 1)
    }

    @Test("have the same bits alone, in any batch and in any order", arguments: LogitsCase.all)
    func sameBitsInAnyBatch(fixture: LogitsCase) throws {
        let model = try fixture.model(KernelTable.best().level)
        // Room for few rows: some batches run as several passes.
        let scratch = try model.scratch(rowsMax: 200)
        var seed = SeededGenerator(seed: fixture.seed)
        let labels = fixture.configuration.labels
        let texts = (0..<40).map { _ -> [Int32] in
            let length = Int.random(in: 1...fixture.configuration.maxPositions, using: &seed)
            let short = Bool.random(using: &seed) ? min(length, 20) : length
            return (0..<short).map { _ in Int32.random(in: 0..<61, using: &seed) }
        }
        var alone: [[UInt32]] = []
        for text in texts {
            var batch = PackedBatch()
            batch.append(ids: text)
            var logits: [Float] = []
            try model.run(batch, scratch: scratch, results: &logits)
            alone.append(logits.map(\.bitPattern))
        }
        for round in 0..<60 {
            let count = Int.random(in: 1...12, using: &seed)
            let chosen = (0..<count).map { _ in Int.random(in: 0..<texts.count, using: &seed) }
            var batch = PackedBatch()
            for index in chosen { batch.append(ids: texts[index]) }
            var logits: [Float] = []
            try model.run(batch, scratch: scratch, results: &logits)
            for (place, index) in chosen.enumerated() {
                let bits = logits[place * labels..<(place + 1) * labels].map(\.bitPattern)
                #expect(bits == alone[index], "round \(round), place \(place), seed \(fixture.seed)")
            }
        }
    }

    @Test(
        "have the same bits in thousands of random batches, with any team, in every output",
        arguments: [EncoderOutput.logits, .meanEmbedding, .clsEmbedding, .hiddenStates])
    func sameBitsWithAnyTeam(output: EncoderOutput) throws {
        let fixture = try #require(LogitsCase.all.first { $0.name == "even int8" })
        let model = try fixture.model(.amx)
        let teams = try (1...4).map {
            (team: SpawningTeam(width: $0), scratch: try model.scratch(rowsMax: 160, members: $0))
        }
        var seed = SeededGenerator(seed: 41)
        let texts = (0..<30).map { _ -> [Int32] in
            (0..<Int.random(in: 1...60, using: &seed)).map { _ in Int32.random(in: 0..<97, using: &seed) }
        }
        func run(_ chosen: [Int], team: Int) throws -> [UInt32] {
            var batch = PackedBatch()
            for index in chosen { batch.append(ids: texts[index]) }
            var results: [Float] = []
            try model.run(
                batch, output: output, scratch: teams[team].scratch, team: teams[team].team, results: &results)
            return results.map(\.bitPattern)
        }
        let alone = try texts.indices.map { try run([$0], team: 0) }
        for round in 0..<2_000 {
            let chosen = (0..<Int.random(in: 1...14, using: &seed)).map { _ in
                Int.random(in: 0..<texts.count, using: &seed)
            }
            let bits = try run(chosen, team: round % teams.count)
            #expect(bits == chosen.flatMap { alone[$0] }, "round \(round), texts \(chosen)")
        }
    }
}

/// A team whose members are threads of the moment.
private struct SpawningTeam: ComputeTeam {
    let width: Int
    var idleThreads: Int { width - 1 }

    func together(_ body: (_ member: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: width) { body($0) }
        }
    }
}
