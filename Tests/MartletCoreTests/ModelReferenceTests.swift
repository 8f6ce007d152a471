import MartletCore
import Testing

@Suite("Model references")
struct ModelReferenceTests {
    @Test("reads back what it writes", arguments: ["guard", "guard@3", "guard:stable", "a.b-c_D9@12"])
    func roundTrip(text: String) {
        #expect(ModelReference(parsing: text)?.description == text)
    }

    @Test(
        "refuses what is not a reference",
        arguments: [
            "", "@1", ":x", "guard@", "guard@0", "guard@-1", "guard@x", "guard:", "../up", "a/b", ".hidden", "a b",
        ])
    func refuses(text: String) {
        #expect(ModelReference(parsing: text) == nil)
    }

    @Test("a model's name is at most 128 characters that are safe in a path")
    func names() {
        #expect(VersionID.isValidModelName(String(repeating: "a", count: 128)))
        #expect(!VersionID.isValidModelName(String(repeating: "a", count: 129)))
        #expect(!VersionID.isValidModelName("é"))
        #expect(!VersionID.isValidModelName("-a"))
        #expect(VersionID.isValidModelName("0"))
    }
}
