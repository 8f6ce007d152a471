internal import NIOCore

/// Sees the bytes before the parser does, and knows what the parser does not tell: whether a request line has ended,
/// and how much came of which nothing was made. Chunk extensions are such bytes, and the parser reads any number of
/// them.
final class HTTPInputWatch: ChannelInboundHandler, @unchecked Sendable { // safe: touched on the event loop only
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The first line of the request that is being read is complete.
    private(set) var hasLineEnded = false
    private var unusedBytes = 0
    private let unusedBytesMax: Int
    /// Called when more bytes than allowed led to nothing.
    var tooMuch: () -> Void = {}

    init(unusedBytesMax: Int) { self.unusedBytesMax = unusedBytesMax }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if !hasLineEnded { hasLineEnded = bytes.readableBytesView.contains(0x0A) }
        unusedBytes += bytes.readableBytes
        context.fireChannelRead(data)
        if unusedBytes > unusedBytesMax { tooMuch() }
    }

    /// A part of a request came out of the parser.
    func used(isEnd: Bool) {
        unusedBytes = 0
        if isEnd { hasLineEnded = false }
    }
}
