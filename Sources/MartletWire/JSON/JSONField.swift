package import MartletCore

/// A place in a JSON body, read with errors that name it: `inputs[2].name must be a string`.
package struct JSONField: Sendable {
    /// Such as `inputs[2].name`; empty for the body itself.
    package let path: String
    /// Nil when the member is not there.
    package let value: JSONValue?

    package init(_ value: JSONValue?, path: String = "") {
        self.value = value
        self.path = path
    }

    /// Not there, or null.
    package var isMissing: Bool { value == nil || value == .null }

    /// A member of the object that stands here; missing where no object does.
    package subscript(_ name: String) -> JSONField {
        JSONField(value?[name], path: path(of: name))
    }

    private func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    package func string() throws(MartletError) -> String {
        guard case .string(let text)? = value else { throw mustBe("a string") }
        return text
    }

    package func bool() throws(MartletError) -> Bool {
        guard case .bool(let bool)? = value else { throw mustBe("true or false") }
        return bool
    }

    package func integer(in range: ClosedRange<Int>) throws(MartletError) -> Int {
        guard case .number(let number)? = value, let integer = number.integer, range.contains(integer) else {
            throw mustBe("an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    package func double() throws(MartletError) -> Double {
        guard case .number(let number)? = value, let double = number.double else { throw mustBe("a number") }
        return double
    }

    package func elements() throws(MartletError) -> [JSONField] {
        guard case .array(let elements)? = value else { throw mustBe("a list") }
        return elements.enumerated().map { JSONField($1, path: "\(path)[\($0)]") }
    }

    /// Names and places of an object's members, in order.
    package func members() throws(MartletError) -> [(name: String, field: JSONField)] {
        guard case .object(let members)? = value else { throw mustBe("an object") }
        // Not by the subscript, which looks each name up: a body may have as many members as bytes.
        return members.map { (name: $0.name, field: JSONField($0.value, path: path(of: $0.name))) }
    }

    /// `.invalidArgument`: what belongs here, and whether anything is there.
    package func mustBe(_ what: String) -> MartletError {
        let place = path.isEmpty ? "the body" : path
        let problem = value == nil ? "is missing; it must be" : "must be"
        return MartletError(.invalidArgument, "\(place) \(problem) \(what)")
    }
}
