internal import CMartletKernels
internal import MartletCore

/// Some whole sequences of a batch on their way through the layers together.
///
/// Attention looks at all rows of a sequence, everything else at single rows. So a layer is one phase: a block of rows
/// goes from its attention to the queries, keys and values of the next layer while it is in cache, and the next phase
/// begins when every block has got there. The blocks of a phase are independent: any thread may take any of them.
struct EncoderPass {
    let model: EncoderModel
    let scratch: EncoderScratch
    let batch: PackedBatch
    let sequences: Range<Int>
    let output: EncoderOutput
    /// Receives [sequences, labels or hidden], or [rows, hidden].
    let results: UnsafeMutablePointer<Float>
    let observer: (any ActivationObserver)?
    let profile: EncoderProfile?

    var kernels: martlet_kernel_table { model.kernels.kernels }
    var hidden: Int { model.configuration.hiddenSize }
    var isInt8: Bool { model.plan.precision == .int8 }
    var base: Int { batch.offsets[sequences.lowerBound] }

    func run(team: (any ComputeTeam)?, isCancelled: () -> Bool) throws(MartletError) {
        let rows = batch.offsets[sequences.upperBound] - base
        let width = team.map { min($0.width, scratch.members.count) } ?? 1
        let expected = team.map { min(width, 1 + $0.idleThreads) } ?? 1
        Self.cut(rows: rows, between: expected, batch, sequences, scratch)
        profile?.start()
        let board = PhaseBoard()
        guard let team, width > 1, scratch.blocks.count > 1 else {
            return try lead(board, isCancelled)
        }
        var failure: MartletError?
        team.together { member in
            if member == 0 {
                do throws(MartletError) { try lead(board, isCancelled) } catch { failure = error }
                board.close()
            } else if member < width {
                board.follow { phase, unit in run(phase: phase, unit: unit, scratch.members[member]) }
            }
        }
        if let failure { throw failure }
    }

    private func lead(_ board: PhaseBoard, _ isCancelled: () -> Bool) throws(MartletError) {
        let layers = model.plan.layers.count
        for phase in 0..<layers + 2 {
            if phase > 0, phase <= layers, isCancelled() {
                throw MartletError(.cancelled, "the call was cancelled between two layers")
            }
            board.lead(phase: phase, units: units(in: phase)) { phase, unit in
                run(phase: phase, unit: unit, scratch.members[0])
            }
            profile?.lap(.waiting, rows: 0)
        }
    }

    /// Phase 0 embeds, phases 1...layers are the layers, the last one turns hidden states into results.
    private func units(in phase: Int) -> Int {
        let layers = model.plan.layers.count
        if phase == layers + 1 {
            switch output {
            case .meanEmbedding: return sequences.count
            case .hiddenStates: return scratch.blocks.count
            case .logits, .clsEmbedding: return 0
            }
        }
        return phase == layers && output.readsFirstRows ? firstRowBlocks : scratch.blocks.count
    }

    private var firstRowBlocks: Int { (sequences.count + scratch.blockRows - 1) / scratch.blockRows }

    private func run(phase: Int, unit: Int, _ member: MemberScratch) {
        let layers = model.plan.layers.count
        switch phase {
        case 0:
            embed(scratch.blocks[unit], member)
        case layers + 1:
            if output == .hiddenStates { copyRows(of: scratch.blocks[unit]) } else { meanRows(of: unit) }
        case layers where output.readsFirstRows:
            let first = unit * scratch.blockRows
            finishFirstRows(first..<min(first + scratch.blockRows, sequences.count), member)
        default:
            let block = scratch.blocks[unit], rows = block.rows
            let stream = scratch.stream + rows.lowerBound * scratch.strides.hidden
            attend(block, layer: phase - 1, member)
            finish(stream, rows.count, layer: phase - 1, member)
            if phase < layers { project(stream, rows, layer: phase, member) }
        }
    }

    // MARK: Blocks

    /// Cuts the pass's rows into blocks of nearly equal size, as many as keep `threads` threads equally busy.
    private static func cut(
        rows: Int, between threads: Int, _ batch: PackedBatch, _ sequences: Range<Int>, _ scratch: EncoderScratch
    ) {
        let base = batch.offsets[sequences.lowerBound]
        var count = (rows + scratch.blockRows - 1) / scratch.blockRows
        // A tile of fewer rows reads the weights more often than it computes with them.
        if threads > 1 { count = max(count, min((count + threads - 1) / threads * threads, rows / smallestBlock)) }
        scratch.blocks.removeAll(keepingCapacity: true)
        var sequence = sequences.lowerBound, start = 0
        for number in 0..<count {
            let end = (number + 1) * rows / count
            while batch.offsets[sequence + 1] - base <= start { sequence += 1 }
            scratch.blocks.append(RowBlock(rows: start..<end, firstSequence: sequence))
            start = end
        }
    }

    private static let smallestBlock = 8

    /// Calls `body` with each sequence of a block, by its number, and the rows of it that the block holds.
    private func forEachSequence(of block: RowBlock, _ body: (_ sequence: Int, _ rows: Range<Int>) -> Void) {
        var sequence = block.firstSequence, start = block.rows.lowerBound
        while start < block.rows.upperBound {
            let end = min(block.rows.upperBound, batch.offsets[sequence + 1] - base)
            body(sequence, start..<end)
            start = end
            sequence += 1
        }
    }

    // MARK: Steps

    private func embed(_ block: RowBlock, _ member: MemberScratch) {
        let stride = scratch.strides.hidden
        batch.ids.withUnsafeBufferPointer { ids in
            batch.typeIDs.withUnsafeBufferPointer { types in
                guard let ids = ids.baseAddress, let types = types.baseAddress else { return }
                forEachSequence(of: block) { sequence, rows in
                    var tables = model.plan.embeddings
                    let first = rows.lowerBound + base
                    // Row 0 of the call takes the position at which the block meets the sequence.
                    tables.positions += (first - batch.offsets[sequence]) * hidden
                    kernels.embed(
                        scratch.stream + rows.lowerBound * stride, stride, &tables, ids + first, types + first,
                        rows.count)
                }
            }
        }
        profile?.lap(.embedding, rows: block.rows.count)
        let rows = scratch.stream + block.rows.lowerBound * stride
        normalize(
            rows, block.rows.count, model.plan.embeddingNorm,
            next: .some(model.plan.layers[0].queryKeyValueInputScale), member)
        project(rows, block.rows, layer: 0, member)
    }

    /// Norm in place; for a linear layer that comes next also quantised, times that layer's input scale if it has one.
    private func normalize(
        _ rows: UnsafeMutablePointer<Float>, _ count: Int, _ norm: NormPlan, next: UnsafePointer<Float>??,
        _ member: MemberScratch
    ) {
        let stride = scratch.strides.hidden, epsilon = model.configuration.layerNormEpsilon
        if isInt8, let inputScale = next {
            kernels.layer_norm(
                rows, stride, count, hidden, norm.gamma, norm.beta, epsilon, inputScale, &member.quantized)
        } else {
            kernels.layer_norm(rows, stride, count, hidden, norm.gamma, norm.beta, epsilon, nil, nil)
        }
        profile?.lap(.norm, rows: count)
    }

    /// Keys and values of rows that were just normalised, and queries where somebody will ask for them.
    private func project(
        _ stream: UnsafePointer<Float>, _ rows: Range<Int>, layer index: Int, _ member: MemberScratch
    ) {
        let layer = model.plan.layers[index], stride = scratch.strides.hidden
        let panels = stride / Int(MARTLET_PANEL_COLS)
        let firstRowsOnly = index == model.plan.layers.count - 1 && output.readsFirstRows
        observe(.qkv(layer: index), stream, stride, rows.count, hidden)
        let linear = firstRowsOnly ? layer.queryKeyValue.panels(panels..<3 * panels) : layer.queryKeyValue
        let column = firstRowsOnly ? stride : 0
        switch scratch.projections[index % 2] {
        case .float32(let projections):
            apply(
                linear, to: stream, stride: stride, count: rows.count,
                out: projections + rows.lowerBound * 3 * stride + column, outStride: 3 * stride, member)
            profile?.lap(.queryKeyValue, rows: rows.count)
        case .int8(var heads):
            apply(
                linear, to: stream, stride: stride, count: rows.count, out: member.projected + column,
                outStride: 3 * stride, member)
            profile?.lap(.queryKeyValue, rows: rows.count)
            var floats = martlet_head_floats(
                query: firstRowsOnly ? nil : UnsafePointer(member.projected), key: member.projected + stride,
                value: member.projected + 2 * stride, stride: 3 * stride)
            kernels.quantize_heads(&heads, rows.lowerBound, &floats, rows.count)
            profile?.lap(.quantisation, rows: rows.count)
        }
    }

    private func attend(_ block: RowBlock, layer index: Int, _ member: MemberScratch) {
        forEachSequence(of: block) { sequence, rows in
            attend(
                sequence, queries: scratch.projections[index % 2], queryRow: rows.lowerBound, count: rows.count,
                layer: index, out: member.context + (rows.lowerBound - block.rows.lowerBound) * scratch.strides.hidden,
                member)
        }
        profile?.lap(.attention, rows: block.rows.count)
    }

    /// Attention of `count` query rows over the keys and values of their sequence.
    private func attend(
        _ sequence: Int, queries: Projections, queryRow: Int, count: Int, layer index: Int,
        out: UnsafeMutablePointer<Float>, _ member: MemberScratch
    ) {
        let stride = scratch.strides.hidden
        let keyRow = batch.offsets[sequence] - base
        let length = batch.offsets[sequence + 1] - batch.offsets[sequence]
        switch (queries, scratch.projections[index % 2]) {
        case (.int8(var queries), .int8(var keys)):
            withUnsafePointer(to: &queries) { queries in
                withUnsafePointer(to: &keys) { keys in
                    var call = martlet_attention_s8_call(
                        queries: queries, keys: keys, out: out, workspace: member.workspace, query_row: queryRow,
                        query_rows: count, key_row: keyRow, length: length, out_stride: stride)
                    kernels.attention_s8(&call)
                }
            }
        case (.float32(let queries), .float32(let keys)):
            let floats = member.workspace.assumingMemoryBound(to: Float.self)
            var call = martlet_attention_call(
                query: queries + queryRow * 3 * stride, key: keys + (keyRow * 3 + 1) * stride,
                value: keys + (keyRow * 3 + 2) * stride, out: out, workspace: floats, query_stride: 3 * stride,
                key_value_stride: 3 * stride, out_stride: stride, query_rows: count, length: length,
                heads: model.configuration.heads, head_size: hidden / model.configuration.heads)
            kernels.attention(&call)
        case (.int8, .float32), (.float32, .int8):
            preconditionFailure("queries and keys of one scratch have one precision")
        }
    }

    /// From the attention's output, in the member's context, to the layer's output.
    private func finish(
        _ rows: UnsafeMutablePointer<Float>, _ count: Int, layer index: Int, _ member: MemberScratch
    ) {
        let layer = model.plan.layers[index], stride = scratch.strides.hidden
        observe(.attentionOutput(layer: index), member.context, stride, count, hidden)
        quantize(member.context, count, inputScale: nil, member)
        apply(
            layer.attentionOutput, to: member.context, stride: stride, count: count, out: rows, outStride: stride,
            mode: MARTLET_ACCUMULATE, member)
        profile?.lap(.attentionOutput, rows: count)
        normalize(rows, count, layer.attentionNorm, next: .some(layer.intermediateInputScale), member)

        observe(.intermediate(layer: index), rows, stride, count, hidden)
        let inner = model.configuration.intermediateSize, innerStride = scratch.strides.inner
        if case .int8(let linear) = layer.intermediate {
            withUnsafeMutablePointer(to: &member.quantized) { quantized in
                withUnsafePointer(to: linear) { linear in
                    kernels.gemm_s8_activate(
                        quantized, member.inner, innerStride, quantized, linear, count, model.plan.activation,
                        layer.outputInputScale)
                }
            }
        } else {
            apply(
                layer.intermediate, to: rows, stride: stride, count: count, out: member.inner,
                outStride: innerStride, member)
            kernels.activate(
                member.inner, innerStride, count, inner, model.plan.activation, layer.outputInputScale, nil)
        }
        profile?.lap(.intermediate, rows: count)
        observe(.output(layer: index), member.inner, innerStride, count, inner)
        apply(
            layer.output, to: member.inner, stride: innerStride, count: count, out: rows, outStride: stride,
            mode: MARTLET_ACCUMULATE, member)
        profile?.lap(.output, rows: count)
        let isLast = index == model.plan.layers.count - 1
        normalize(
            rows, count, layer.outputNorm,
            next: isLast ? .none : .some(model.plan.layers[index + 1].queryKeyValueInputScale), member)
    }

    // MARK: Results

    /// The last layer on the first rows of some sequences, counted from the pass's first, and the head where it is
    /// asked for.
    private func finishFirstRows(_ block: Range<Int>, _ member: MemberScratch) {
        let stride = scratch.strides.hidden, last = model.plan.layers.count - 1
        let layer = model.plan.layers[last], count = block.count
        let rows = member.firstRows
        for (place, number) in block.enumerated() {
            let row = batch.offsets[sequences.lowerBound + number] - base
            (rows + place * stride).update(from: scratch.stream + row * stride, count: stride)
        }
        quantize(rows, count, inputScale: layer.queryKeyValueInputScale, member)
        let query = layer.queryKeyValue.panels(0..<stride / Int(MARTLET_PANEL_COLS))
        switch member.queries {
        case .float32(let queries):
            apply(query, to: rows, stride: stride, count: count, out: queries, outStride: 3 * stride, member)
        case .int8(var heads):
            apply(query, to: rows, stride: stride, count: count, out: member.projected, outStride: 3 * stride, member)
            var floats = martlet_head_floats(query: member.projected, key: nil, value: nil, stride: 3 * stride)
            kernels.quantize_heads(&heads, 0, &floats, count)
        }
        profile?.lap(.queryKeyValue, rows: count)
        for (place, number) in block.enumerated() {
            attend(
                sequences.lowerBound + number, queries: member.queries, queryRow: place, count: 1, layer: last,
                out: member.context + place * stride, member)
        }
        profile?.lap(.attention, rows: count)
        finish(rows, count, layer: last, member)
        guard output == .clsEmbedding else { return applyHead(to: rows, block, member) }
        for (place, number) in block.enumerated() {
            (results + number * hidden).update(from: rows + place * stride, count: hidden)
        }
        profile?.lap(.pooling, rows: count)
    }

    /// Pooler and classifier.
    private func applyHead(to rows: UnsafePointer<Float>, _ block: Range<Int>, _ member: MemberScratch) {
        guard let head = model.plan.head else {
            preconditionFailure("a run asks for logits only where there is a head")
        }
        let stride = scratch.strides.hidden, labels = model.configuration.labels, labelStride = scratch.strides.labels
        // The attention's output is not needed any more.
        let pooled = member.context
        apply(head.pooler, to: rows, stride: stride, count: block.count, out: pooled, outStride: stride, member)
        kernels.activate(pooled, stride, block.count, hidden, MARTLET_TANH, nil, nil)
        apply(
            head.classifier, to: pooled, stride: stride, count: block.count, out: member.logits,
            outStride: labelStride, member)
        for (place, number) in block.enumerated() {
            (results + number * labels).update(from: member.logits + place * labelStride, count: labels)
        }
        profile?.lap(.head, rows: block.count)
    }

    /// Mean of the rows of one sequence, counted from the pass's first: sums in the rows' order.
    private func meanRows(of number: Int) {
        let stride = scratch.strides.hidden
        let first = batch.offsets[sequences.lowerBound + number] - base
        let length = batch.offsets[sequences.lowerBound + number + 1] - base - first
        let mean = results + number * hidden
        mean.update(repeating: 0, count: hidden)
        for row in first..<first + length {
            let values = scratch.stream + row * stride
            for column in 0..<hidden { mean[column] += values[column] }
        }
        let inverse = 1 / Float(length)
        for column in 0..<hidden { mean[column] *= inverse }
        profile?.lap(.pooling, rows: length)
    }

    /// The last hidden states as they are.
    private func copyRows(of block: RowBlock) {
        for row in block.rows {
            (results + row * hidden).update(from: scratch.stream + row * scratch.strides.hidden, count: hidden)
        }
        profile?.lap(.pooling, rows: block.rows.count)
    }

    // MARK: Pieces

    private func quantize(
        _ rows: UnsafePointer<Float>, _ count: Int, inputScale: UnsafePointer<Float>?, _ member: MemberScratch
    ) {
        guard isInt8 else { return }
        kernels.quantize_rows(&member.quantized, rows, scratch.strides.hidden, count, hidden, inputScale)
        profile?.lap(.quantisation, rows: count)
    }

    /// One linear layer: int8 reads the member's quantised block, float the rows given.
    private func apply(
        _ layer: LinearLayer, to rows: UnsafePointer<Float>, stride: Int, count: Int, out: UnsafeMutablePointer<Float>,
        outStride: Int, mode: martlet_store_mode = MARTLET_STORE, _ member: MemberScratch
    ) {
        switch layer {
        case .int8(let linear):
            withUnsafePointer(to: linear) { linear in
                kernels.gemm_s8(out, outStride, &member.quantized, linear, count, mode)
            }
        case .float32(let linear):
            withUnsafePointer(to: linear) { linear in
                kernels.gemm_f32(out, outStride, rows, stride, linear, count, mode)
            }
        }
    }

    private func observe(
        _ site: LinearSite, _ rows: UnsafePointer<Float>, _ stride: Int, _ count: Int, _ channels: Int
    ) {
        observer?.observe(site, ActivationRows(base: rows, stride: stride, rows: count, channels: channels))
    }
}
