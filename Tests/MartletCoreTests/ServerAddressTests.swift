import MartletCore
import Testing

struct ServerAddressTests {
    @Test("an address is read as it is written")
    func parses() {
        #expect(ServerAddress(parsing: "127.0.0.1:80") == .tcp(host: "127.0.0.1", port: 80))
        #expect(ServerAddress(parsing: "[::1]:80") == .tcp(host: "::1", port: 80))
        #expect(ServerAddress(parsing: "[::1]:80")?.description == "[::1]:80")
        #expect(ServerAddress(parsing: "unix:/run/m.sock") == .unix(path: "/run/m.sock"))
        #expect(ServerAddress(parsing: "unix:/run/m.sock")?.description == "unix:/run/m.sock")
    }

    @Test(
        "what is no address is refused",
        arguments: ["", ":80", "a:b", "host:70000", "host", "unix:", "::1:80", "host:-1"])
    func refuses(text: String) {
        #expect(ServerAddress(parsing: text, ports: 0...65_535) == nil)
    }

    @Test("port 0 is for servers only")
    func portZero() {
        #expect(ServerAddress(parsing: "host:0") == nil)
        #expect(ServerAddress(parsing: "host:0", ports: 0...65_535) == .tcp(host: "host", port: 0))
    }
}
