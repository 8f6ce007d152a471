internal import MartletArtifact
package import MartletCore

/// All tensors of a model folder by name, without the `bert.` prefix that models with a task head carry; a head
/// folder's tensors take the place of the body's.
package struct Checkpoint: Sendable {
    private struct Place: Sendable {
        let file: SafetensorsFile
        let entry: SafetensorsFile.Entry
    }

    private var places: [String: Place] = [:]
    /// Names as the model has them, that no part of the encoder uses.
    package private(set) var unused: Set<String> = []

    /// - Parameters:
    ///   - body: holds `model.safetensors`, or the parts that `model.safetensors.index.json` lists.
    ///   - head: a head-only fine-tune saved beside its body; any tensor in it goes before the body's of that name.
    package init(body: SourceFolder, head: SourceFolder?, limits: Limits = Limits()) throws(MartletError) {
        for file in try Checkpoint.files(in: body, limits) { try add(file) }
        if let head {
            var own = Checkpoint()
            for file in try Checkpoint.files(in: head, limits) { try own.add(file) }
            places.merge(own.places) { _, new in new }
        }
        unused = Set(places.keys)
    }

    private init() {}

    private mutating func add(_ file: SafetensorsFile) throws(MartletError) {
        for entry in file.entries {
            let name = Checkpoint.plainName(entry.name)
            if let other = places[name] {
                throw .source(
                    file.name, "tensor \(entry.name) is also in \(other.file.name) as \(other.entry.name)")
            }
            places[name] = Place(file: file, entry: entry)
        }
    }

    /// Also takes the names that TensorFlow gave a LayerNorm's two vectors.
    private static func plainName(_ name: String) -> String {
        var name = name.hasPrefix("bert.") ? String(name.dropFirst(5)) : name
        if name.hasSuffix(".LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix(".LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        return name
    }

    package func has(_ name: String) -> Bool { places[name] != nil }

    /// - Throws: when the tensor is missing or not of that shape.
    mutating func floats(_ name: String, _ shape: [Int]) throws(MartletError) -> [Float] {
        guard let place = places[name] else {
            throw .source(
                "model.safetensors", "tensor \(name) is missing",
                wayOut: "Is this the right model for its config.json? Save it again with save_pretrained.")
        }
        guard place.entry.shape == shape else {
            throw .source(
                place.file.name,
                "tensor \(place.entry.name) has shape \(place.entry.shape), config.json needs \(shape)",
                wayOut: "Is this the right config.json for the model?")
        }
        unused.remove(name)
        return try place.file.floats(place.entry)
    }

    // MARK: Files

    private static let single = "model.safetensors"
    private static let index = "model.safetensors.index.json"

    private struct Index: Decodable {
        let weight_map: [String: String]
    }

    private static func files(in folder: SourceFolder, _ limits: Limits) throws(MartletError) -> [SafetensorsFile] {
        if folder.has(single) { return [try SafetensorsFile(single, in: folder, limits: limits)] }
        guard folder.has(index) else {
            for old in ["pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt"] where folder.has(old) {
                throw .source(
                    old, "is a pickle, which can run code when it is read; this program does not read it",
                    wayOut: "Save the model as safetensors: AutoModelForSequenceClassification.from_pretrained(folder)"
                        + ".save_pretrained(folder, safe_serialization=True).")
            }
            throw MartletError(
                .notFound,
                "\(single): the model folder has no such file, nor \(index). Give the folder that holds config.json "
                    + "and \(single).")
        }
        let map = try folder.readJSON(Index.self, index).weight_map
        var files: [SafetensorsFile] = []
        for name in Set(map.values).sorted() {
            // A name, never a way out of the folder.
            guard VersionID.isValidModelName(name), name.hasSuffix(".safetensors") else {
                throw .source(index, "names a part '\(name.prefix(64))' that is not a plain .safetensors file name")
            }
            guard files.count < limits.filesPerVersionMax * 16 else {
                throw .source(index, "names more than \(limits.filesPerVersionMax * 16) parts")
            }
            files.append(try SafetensorsFile(name, in: folder, limits: limits))
        }
        for file in files {
            for entry in file.entries where map[entry.name] != file.name {
                throw .source(
                    index, "says tensor \(entry.name) is in \(map[entry.name] ?? "no part"), it is in \(file.name)")
            }
        }
        let found = Set(files.flatMap { $0.entries.map(\.name) })
        if let missing = map.keys.filter({ !found.contains($0) }).min() {
            throw .source(index, "lists tensor \(missing), which \(map[missing] ?? "no part") does not hold")
        }
        return files
    }
}
