extension Method {
    /// A method of `tei.v1`, such as `Embed/EmbedStream`.
    package static func tei(_ name: String, clientStreams: Bool = false, serverStreams: Bool = false) -> Method {
        Method("/tei.v1.\(name)", clientStreams: clientStreams, serverStreams: serverStreams)
    }
}
