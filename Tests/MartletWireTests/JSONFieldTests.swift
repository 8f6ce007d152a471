import MartletCore
import MartletWire
import Testing

struct JSONFieldTests {
    private static func field(_ json: String) throws -> JSONField {
        JSONField(try JSONValue(parsing: Array(json.utf8)))
    }

    private static func message(_ read: () throws(MartletError) -> Void) -> String {
        do throws(MartletError) {
            try read()
            return ""
        } catch {
            return error.message
        }
    }

    @Test("reads what is there, and takes null for what is not")
    func reads() throws {
        let body = try Self.field(#"{"a": "x", "b": [true, 3, 0.5], "c": {"d": null}}"#)
        #expect(try body["a"].string() == "x")
        let elements = try body["b"].elements()
        #expect(try elements[0].bool())
        #expect(try elements[1].integer(in: 0...3) == 3)
        #expect(try elements[2].double() == 0.5)
        #expect(body["c"]["d"].isMissing && body["c"]["e"].isMissing && body["a"]["b"].isMissing)
    }

    @Test("names the place and what belongs there")
    func places() throws {
        let body = try Self.field(#"{"inputs": [{"name": 3}], "size": 1.5}"#)
        #expect(Self.message { () throws(MartletError) in _ = try body.string() } == "the body must be a string")
        let name = try body["inputs"].elements()[0]["name"]
        #expect(Self.message { () throws(MartletError) in _ = try name.string() } == "inputs[0].name must be a string")
        #expect(
            Self.message { () throws(MartletError) in _ = try body["size"].integer(in: 0...9) }
                == "size must be an integer from 0 to 9")
        #expect(
            Self.message { () throws(MartletError) in _ = try body["other"]["more"].bool() }
                == "other.more is missing; it must be true or false")
    }

    @Test("gives an object's members in order, with their places")
    func members() throws {
        let members = try Self.field(#"{"c": {"b": 1, "a": 2}}"#)["c"].members()
        #expect(members.map(\.name) == ["b", "a"])
        #expect(members.map(\.field.path) == ["c.b", "c.a"])
        #expect(try members.map { try $0.field.integer(in: 0...9) } == [1, 2])
    }

    @Test("reads a body of a hundred thousand members")
    func manyMembers() throws {
        // Looking each of them up by its name would take minutes.
        let body = "{" + (0..<100_000).map { "\"\($0)\":\($0)" }.joined(separator: ",") + "}"
        #expect(try Self.field(body).members().count == 100_000)
    }
}
