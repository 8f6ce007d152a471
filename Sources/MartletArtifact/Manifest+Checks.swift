internal import MartletCore

extension Manifest {
    /// Every rule a manifest must hold by itself; the tensors and files are compared with it later.
    func check(_ limits: Limits) throws(MartletError) {
        try require(architecture == "bert", "architecture is \(quoted(architecture)), this program runs 'bert'")
        guard let known = ModelTask(rawValue: task) else {
            let tasks = ModelTask.allCases.map { "'\($0.rawValue)'" }.joined(separator: " and ")
            throw .refused(Manifest.fileName, "task is \(quoted(task)), this program serves \(tasks)")
        }
        try require(VersionID.isValidModelName(name), "name \(quoted(name)) is no model name")
        try require(version > 0, "version is \(version), expected above 0")
        try Manifest.check(configuration, limits)
        try checkTask(known)
        try require(
            tokenizer.kind == "wordpiece",
            "tokenizer kind is \(quoted(tokenizer.kind)), this program reads 'wordpiece'")
        try require(
            (1...configuration.vocabularySize).contains(tokenizer.vocabularySize),
            "the tokenizer has \(tokenizer.vocabularySize) ids, the encoder \(configuration.vocabularySize) rows")
        try require(
            (precision == .int8) == (receipt != nil),
            precision == .int8 ? "an int8 version needs a quality receipt" : "a float32 version has no quality receipt")
        try checkFiles(limits)
    }

    private func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(MartletError) {
        if !holds { throw .refused(Manifest.fileName, problem()) }
    }

    /// What belongs to the task stands there, and what belongs to another does not.
    private func checkTask(_ task: ModelTask) throws(MartletError) {
        let isClassifier = task == .classification
        try require(
            (problemType != nil) == isClassifier && (pooling == nil) == isClassifier
                && (normalize == nil) == isClassifier,
            isClassifier
                ? "task is '\(self.task)': it needs problemType, and neither pooling nor normalize"
                : "task is '\(self.task)': it needs pooling and normalize, and no problemType")
        try require(
            isClassifier == (configuration.labels > 0),
            "task is '\(self.task)', and the configuration has \(configuration.labels) labels")
        try require(
            isClassifier || (positiveLabel == nil && documentAggregation == nil),
            "task is '\(self.task)': it has neither positiveLabel nor documentAggregation")
        if let receipt {
            try require(
                (receipt.answers != nil) == isClassifier && (isClassifier || receipt.minEmbeddingCosine != nil),
                "the quality receipt is none of a \(self.task) model")
        }
        try require(
            classLabels.count == configuration.labels,
            "has \(classLabels.count) class labels, the head has \(configuration.labels) outputs")
        for (index, label) in classLabels.enumerated() {
            try require(!label.isEmpty, "class label \(index) is empty")
            try require(label.utf8.count <= 256, "class label \(index) has \(label.utf8.count) bytes, the limit is 256")
        }
        try require(Set(classLabels).count == classLabels.count, "a class label stands twice")
        try require(
            problemType != .singleLabel || classLabels.count >= 2,
            "problemType is single_label_classification with one label: its score would always be 1")
        if let positiveLabel {
            try require(
                classLabels.contains(positiveLabel), "positiveLabel \(quoted(positiveLabel)) is not a class label")
        }
        if let documentAggregation {
            let known = Aggregation.allCases.filter { $0 != .modelDefault }.map(\.rawValue)
            try require(
                known.contains(documentAggregation),
                "documentAggregation is \(quoted(documentAggregation)), known are \(known.joined(separator: ", "))")
        }
    }

    private static func check(_ numbers: EncoderConfiguration, _ limits: Limits) throws(MartletError) {
        // Bounds far above any encoder, so that no later product of two of these can overflow.
        for (name, value, most) in [
            ("hiddenSize", numbers.hiddenSize, 65_536), ("layers", numbers.layers, 1_024),
            ("heads", numbers.heads, 1_024), ("intermediateSize", numbers.intermediateSize, 1 << 20),
            ("vocabularySize", numbers.vocabularySize, 1 << 24), ("maxPositions", numbers.maxPositions, 1 << 20),
            ("tokenTypes", numbers.tokenTypes, 256),
        ] {
            guard (1...most).contains(value) else {
                throw .refused(fileName, "configuration.\(name) is \(value), expected 1 to \(most)")
            }
        }
        guard (0...limits.classLabelsMax).contains(numbers.labels) else {
            throw .refused(
                fileName, "configuration.labels is \(numbers.labels), expected 0 to \(limits.classLabelsMax)")
        }
        guard numbers.hiddenSize % numbers.heads == 0 else {
            throw .refused(
                fileName, "configuration.hiddenSize \(numbers.hiddenSize) is no multiple of heads \(numbers.heads)")
        }
        guard numbers.layerNormEpsilon.isFinite, numbers.layerNormEpsilon > 0, numbers.layerNormEpsilon < 1 else {
            throw .refused(
                fileName, "configuration.layerNormEpsilon is \(numbers.layerNormEpsilon), expected above 0 and below 1")
        }
    }

    private func checkFiles(_ limits: Limits) throws(MartletError) {
        try require(
            files.count <= limits.filesPerVersionMax,
            "lists \(files.count) files, the limit is \(limits.filesPerVersionMax)")
        var folded: Set<String> = []
        for file in files {
            try require(
                Manifest.isValidFileName(file.name),
                "lists a file \(quoted(file.name)); names are 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or "
                    + "digit")
            try require(
                folded.insert(file.name.lowercased()).inserted && file.name.lowercased() != Manifest.fileName,
                "lists the file \(quoted(file.name)) twice, or once in other case")
            try require(
                file.name.lowercased() != ModelSignature.fileName,
                "lists \(ModelSignature.fileName), which signs the manifest and cannot stand in it")
            try require(isDigest(file.sha256), "sha256 of \(quoted(file.name)) is not 64 lower-case hex digits")
            let most = Manifest.bytesMax(of: file.name, limits)
            try require(
                (0...most).contains(file.bytes), "\(quoted(file.name)) has \(file.bytes) bytes, the limit is \(most)")
        }
        for name in [Manifest.weightsFileName, Manifest.tokenizerFileName, Manifest.goldenFileName] {
            try require(files.contains { $0.name == name }, "does not list \(name)")
        }
    }

    private static func bytesMax(of name: String, _ limits: Limits) -> Int {
        switch name {
        case weightsFileName: limits.weightsBytesMax
        case tokenizerFileName: limits.tokenizerBytesMax
        case goldenFileName: limits.goldenBytesMax
        default: limits.manifestBytesMax
        }
    }

    /// A name that cannot leave its folder, hide in it or mean two things.
    static func isValidFileName(_ name: String) -> Bool { VersionID.isValidModelName(name) }
}
