/// Reads Prometheus' text form, version 0.0.4, and believes nothing: what a scraper could stumble over is an error.
struct Exposition {
    struct Failure: Error, CustomStringConvertible { let description: String }

    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    private(set) var types: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    private(set) var samples: [Sample] = []

    init(_ bytes: [UInt8]) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(description: "not UTF-8") }
        guard text.isEmpty || text.hasSuffix("\n") else { throw Failure(description: "the last line has no end") }
        var family = ""
        var seen: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            var rest = line[...]
            if rest.hasPrefix("# ") {
                let words = rest.split(separator: " ", maxSplits: 3).map(String.init)
                guard words.count == 4 else { throw Failure(description: "a comment of few words: \(line)") }
                switch words[1] {
                case "HELP":
                    guard helps[words[2]] == nil else { throw Failure(description: "a second HELP: \(line)") }
                    helps[words[2]] = words[3]
                case "TYPE":
                    guard types[words[2]] == nil, ["counter", "gauge", "histogram"].contains(words[3]) else {
                        throw Failure(description: "a wrong TYPE: \(line)")
                    }
                    types[words[2]] = words[3]
                    family = words[2]
                default: throw Failure(description: "a strange comment: \(line)")
                }
                continue
            }
            let sample = try Self.sample(&rest, line)
            let base = types[family] == "histogram" ? Self.base(sample.name, of: family) : sample.name
            guard base == family else { throw Failure(description: "\(sample.name) stands among \(family)") }
            let key = "\(sample.name) \(sample.labels.sorted { $0.key < $1.key })"
            guard seen.insert(key).inserted else { throw Failure(description: "a series comes twice: \(line)") }
            samples.append(sample)
        }
        try checkHistograms()
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    private static func base(_ name: String, of family: String) -> String {
        ["_bucket", "_sum", "_count"].contains { family + $0 == name } ? family : name
    }

    private static func sample(_ rest: inout Substring, _ line: Substring) throws -> Sample {
        func fail(_ why: String) -> Failure { Failure(description: "\(why): \(line)") }
        let name = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") })
        guard let first = name.first, !first.isNumber else { throw fail("no name") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
                rest = rest.dropFirst(label.count)
                guard let first = label.first, !first.isNumber, rest.hasPrefix("=\"") else { throw fail("no label") }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    case "n": value.append("\n")
                    default: throw fail("a strange escape")
                    }
                }
                guard labels.updateValue(value, forKey: label) == nil else { throw fail("a label comes twice") }
                if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" { throw fail("no comma") }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw fail("no blank before the value") }
        let text = String(rest.dropFirst())
        let special = ["+Inf": Double.infinity, "-Inf": -Double.infinity, "NaN": Double.nan]
        guard let value = special[text] ?? (text.contains("n") ? nil : Double(text)) else { throw fail("no number") }
        return Sample(name: name, labels: labels, value: value)
    }

    /// Buckets rise to +Inf, which is the count.
    private func checkHistograms() throws {
        for (name, type) in types where type == "histogram" {
            let counts = samples.filter { $0.name == name + "_count" }
            guard !counts.isEmpty else { throw Failure(description: "\(name) has no count") }
            for count in counts {
                let buckets = samples.filter { sample in
                    var labels = sample.labels
                    labels["le"] = nil
                    return sample.name == name + "_bucket" && labels == count.labels
                }
                let values = buckets.map(\.value), bounds = buckets.compactMap { $0.labels["le"] }
                guard values == values.sorted(), bounds.last == "+Inf", values.last == count.value,
                    value(name + "_sum", count.labels) != nil
                else { throw Failure(description: "\(name) is no histogram") }
            }
        }
    }
}
