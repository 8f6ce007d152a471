/// One version of one model: what a folder `models/<model>/<number>/` holds.
public struct VersionID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let model: String
    /// Positive; a larger number is newer.
    public let number: Int

    public init(model: String, number: Int) {
        self.model = model
        self.number = number
    }

    public var description: String { "\(model)/\(number)" }

    public static func < (left: VersionID, right: VersionID) -> Bool {
        (left.model, left.number) < (right.model, right.number)
    }

    /// True for 1 to 128 characters of `A-Z a-z 0-9 . _ -`, the first a letter or a digit: safe as a folder's name.
    public static func isValidModelName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...128).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else { return false }
        return bytes.allSatisfy { isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}

/// How a caller names a model: by a version, by a version label such as `stable`, or by name alone (`latest`).
public struct ModelReference: Hashable, Sendable, CustomStringConvertible {
    public enum Selector: Hashable, Sendable {
        case latest
        case version(Int)
        case label(String)
    }

    public var name: String
    public var selector: Selector

    public init(name: String, selector: Selector = .latest) {
        self.name = name
        self.selector = selector
    }

    /// `guard`, `guard@3` or `guard:stable`.
    public var description: String {
        switch selector {
        case .latest: name
        case .version(let number): "\(name)@\(number)"
        case .label(let label): "\(name):\(label)"
        }
    }

    /// Reads the form that `description` writes; nil when the text has another form.
    public init?(parsing text: String) {
        if let at = text.firstIndex(of: "@") {
            guard let number = Int(text[text.index(after: at)...]), number > 0 else { return nil }
            self.init(name: String(text[..<at]), selector: .version(number))
        } else if let colon = text.firstIndex(of: ":") {
            let label = String(text[text.index(after: colon)...])
            guard !label.isEmpty else { return nil }
            self.init(name: String(text[..<colon]), selector: .label(label))
        } else {
            self.init(name: text)
        }
        guard VersionID.isValidModelName(name) else { return nil }
    }
}

/// Which bits answered: stands in every answer.
public struct ModelIdentity: Hashable, Sendable {
    public var name: String
    public var version: Int
    /// The version label the caller asked by; empty when none was used.
    public var label: String
    /// SHA-256 of the version's manifest in lower-case hex. The manifest lists the digest of every other file.
    public var digest: String

    public init(name: String, version: Int, label: String = "", digest: String) {
        self.name = name
        self.version = version
        self.label = label
        self.digest = digest
    }

    public var id: VersionID { VersionID(model: name, number: version) }
}
