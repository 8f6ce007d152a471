internal import CMartletKernels
internal import MartletCore

/// Some whole sequences of a batch on their way through the layers together.
///
/// Between two attentions everything works on single rows, so blocks of rows go from one attention's output to the next
/// attention's input while they are in cache: output projection, norm, feed-forward, norm, next projection.
struct EncoderPass: ~Copyable {
    let model: EncoderModel
    let scratch: EncoderScratch
    let batch: PackedBatch
    let sequences: Range<Int>

    private var kernels: martlet_kernel_table { model.kernels.kernels }
    private var hidden: Int { model.configuration.hiddenSize }
    private var isInt8: Bool { model.plan.precision == .int8 }

    func run(
        observer: (any ActivationObserver)?, isCancelled: () -> Bool, logits: inout [Float]
    ) throws(MartletError) {
        let base = batch.offsets[sequences.lowerBound]
        let rows = batch.offsets[sequences.upperBound] - base
        embed(base: base)
        forEachBlock(of: rows) { block in
            normalize(block, model.plan.embeddingNorm)
            project(block, layer: 0, observer)
        }
        let last = model.plan.layers.count - 1
        for (index, layer) in model.plan.layers.enumerated() {
            if isCancelled() { throw MartletError(.cancelled, "the call was cancelled between two layers") }
            // Only the first row of each sequence reaches the head: the last layer computes no other.
            if index == last { keepFirstRows(base: base, observer) }
            attend(base: base, firstRowsOnly: index == last)
            forEachBlock(of: index == last ? sequences.count : rows) { block in
                finish(block, layer, index, observer)
                if index < last { project(block, layer: index + 1, observer) }
            }
        }
        forEachBlock(of: sequences.count) { block in classify(block, &logits) }
    }

    // MARK: Steps

    private func embed(base: Int) {
        batch.ids.withUnsafeBufferPointer { ids in
            batch.typeIDs.withUnsafeBufferPointer { types in
                guard let ids = ids.baseAddress, let types = types.baseAddress else { return }
                withUnsafePointer(to: model.plan.embeddings) { tables in
                    for sequence in sequences {
                        let start = batch.offsets[sequence], end = batch.offsets[sequence + 1]
                        kernels.embed(
                            scratch.stream + (start - base) * scratch.hiddenStride, scratch.hiddenStride, tables,
                            ids + start, types + start, end - start)
                    }
                }
            }
        }
    }

    /// Norm in place; with int8 weights also quantised, for the linear layer that comes next.
    private func normalize(_ block: Range<Int>, _ norm: NormPlan) {
        let rows = scratch.stream + block.lowerBound * scratch.hiddenStride
        let epsilon = model.configuration.layerNormEpsilon
        if isInt8 {
            kernels.layer_norm(
                rows, scratch.hiddenStride, block.count, hidden, norm.gamma, norm.beta, epsilon, &scratch.quantized)
        } else {
            kernels.layer_norm(rows, scratch.hiddenStride, block.count, hidden, norm.gamma, norm.beta, epsilon, nil)
        }
    }

    /// Keys, values and, but for the last layer, queries of a block that was just normalised.
    private func project(_ block: Range<Int>, layer index: Int, _ observer: (any ActivationObserver)?) {
        let layer = model.plan.layers[index]
        let rows = scratch.stream + block.lowerBound * scratch.hiddenStride
        observe(.qkv(layer: index), rows, scratch.hiddenStride, block.count, hidden, observer)
        apply(
            layer.keyValue, to: rows, stride: scratch.hiddenStride, count: block.count,
            out: scratch.keyValue + block.lowerBound * scratch.keyValueStride, outStride: scratch.keyValueStride)
        if index < model.plan.layers.count - 1 {
            apply(
                layer.query, to: rows, stride: scratch.hiddenStride, count: block.count,
                out: scratch.query + block.lowerBound * scratch.hiddenStride, outStride: scratch.hiddenStride)
        }
    }

    /// Moves the first row of each sequence to the front of the stream and computes their queries.
    private func keepFirstRows(base: Int, _ observer: (any ActivationObserver)?) {
        let stride = scratch.hiddenStride
        for (place, sequence) in sequences.enumerated() {
            let row = batch.offsets[sequence] - base
            guard row != place else { continue }
            (scratch.stream + place * stride).update(from: scratch.stream + row * stride, count: stride)
        }
        guard let query = model.plan.layers.last?.query else { return }
        forEachBlock(of: sequences.count) { block in
            let rows = scratch.stream + block.lowerBound * stride
            if isInt8 { kernels.quantize_rows(&scratch.quantized, rows, stride, block.count, hidden) }
            apply(
                query, to: rows, stride: stride, count: block.count, out: scratch.query + block.lowerBound * stride,
                outStride: stride)
        }
    }

    private func attend(base: Int, firstRowsOnly: Bool) {
        let stride = scratch.hiddenStride
        for (place, sequence) in sequences.enumerated() {
            let start = batch.offsets[sequence] - base
            let length = batch.offsets[sequence + 1] - batch.offsets[sequence]
            let queryRow = firstRowsOnly ? place : start
            var call = martlet_attention_call(
                query: scratch.query + queryRow * stride,
                key_value: scratch.keyValue + start * scratch.keyValueStride,
                out: scratch.context + queryRow * stride, workspace: scratch.attention, query_stride: stride,
                key_value_stride: scratch.keyValueStride, out_stride: stride,
                query_rows: firstRowsOnly ? 1 : length, length: length, heads: model.configuration.heads,
                head_size: hidden / model.configuration.heads)
            kernels.attention(&call)
        }
    }

    /// From the attention's output to the layer's output.
    private func finish(
        _ block: Range<Int>, _ layer: LayerPlan, _ index: Int, _ observer: (any ActivationObserver)?
    ) {
        let stride = scratch.hiddenStride
        let rows = scratch.stream + block.lowerBound * stride
        let context = scratch.context + block.lowerBound * stride
        observe(.attentionOutput(layer: index), context, stride, block.count, hidden, observer)
        if isInt8 { kernels.quantize_rows(&scratch.quantized, context, stride, block.count, hidden) }
        apply(
            layer.attentionOutput, to: context, stride: stride, count: block.count, out: rows, outStride: stride,
            mode: MARTLET_ACCUMULATE)
        normalize(block, layer.attentionNorm)

        observe(.intermediate(layer: index), rows, stride, block.count, hidden, observer)
        apply(
            layer.intermediate, to: rows, stride: stride, count: block.count, out: scratch.inner,
            outStride: scratch.innerStride)
        let inner = model.configuration.intermediateSize
        if isInt8 {
            kernels.activate(
                scratch.inner, scratch.innerStride, block.count, inner, model.plan.activation, layer.outputInputScale,
                &scratch.quantized)
        } else {
            kernels.activate(
                scratch.inner, scratch.innerStride, block.count, inner, model.plan.activation, layer.outputInputScale,
                nil)
        }
        observe(.output(layer: index), scratch.inner, scratch.innerStride, block.count, inner, observer)
        apply(
            layer.output, to: scratch.inner, stride: scratch.innerStride, count: block.count, out: rows,
            outStride: stride, mode: MARTLET_ACCUMULATE)
        normalize(block, layer.outputNorm)
    }

    /// Pooler and classifier on first rows.
    private func classify(_ block: Range<Int>, _ logits: inout [Float]) {
        let stride = scratch.hiddenStride
        let pooled = scratch.query + block.lowerBound * stride
        apply(
            model.plan.pooler, to: scratch.stream + block.lowerBound * stride, stride: stride, count: block.count,
            out: pooled, outStride: stride)
        kernels.activate(pooled, stride, block.count, hidden, MARTLET_TANH, nil, nil)
        apply(
            model.plan.classifier, to: pooled, stride: stride, count: block.count, out: scratch.logits,
            outStride: scratch.labelStride)
        for row in 0..<block.count {
            let values = UnsafeBufferPointer(
                start: scratch.logits + row * scratch.labelStride, count: model.configuration.labels)
            logits.append(contentsOf: values)
        }
    }

    // MARK: Pieces

    /// One linear layer: int8 reads the quantised block, float the rows given.
    private func apply(
        _ layer: LinearLayer, to rows: UnsafePointer<Float>, stride: Int, count: Int, out: UnsafeMutablePointer<Float>,
        outStride: Int, mode: martlet_store_mode = MARTLET_STORE
    ) {
        switch layer {
        case .int8(let linear):
            withUnsafePointer(to: linear) { linear in
                kernels.gemm_s8(out, outStride, &scratch.quantized, linear, count, mode)
            }
        case .float32(let linear):
            withUnsafePointer(to: linear) { linear in
                kernels.gemm_f32(out, outStride, rows, stride, linear, count, mode)
            }
        }
    }

    private func observe(
        _ site: LinearSite, _ rows: UnsafePointer<Float>, _ stride: Int, _ count: Int, _ channels: Int,
        _ observer: (any ActivationObserver)?
    ) {
        observer?.observe(site, ActivationRows(base: rows, stride: stride, rows: count, channels: channels))
    }

    private func forEachBlock(of rows: Int, _ body: (Range<Int>) -> Void) {
        var start = 0
        while start < rows {
            let end = min(start + scratch.blockRows, rows)
            body(start..<end)
            start = end
        }
    }
}
