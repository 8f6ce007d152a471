internal import NIOCore

/// Sees the bytes before the parser does, and knows what the parser does not tell: whether a request has begun, whether
/// its first line has ended, and how much came of which nothing was made. Chunk extensions are such bytes, and the
/// parser reads any number of them.
final class HTTPInputWatch: ChannelInboundHandler, @unchecked Sendable { // safe: touched on the event loop only
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The first line of the request that is being read is complete.
    private(set) var hasLineEnded = false
    /// Bytes of a head came, and the head is not whole yet. One that begins in the same read as the end of the request
    /// before it is noticed with its next bytes.
    private(set) var isInHead = false
    private var isBetweenRequests = true
    /// What the parser is given right now.
    private var reading: ByteBuffer?
    private var unusedBytes = 0
    private let unusedBytesMax: Int
    /// Called when more bytes than allowed led to nothing.
    var tooMuch: () -> Void = {}

    init(unusedBytesMax: Int) { self.unusedBytesMax = unusedBytesMax }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if !hasLineEnded { hasLineEnded = bytes.readableBytesView.contains(0x0A) }
        // Line ends before a request are no part of it.
        if isBetweenRequests, !isInHead { isInHead = bytes.readableBytesView.contains { $0 != 0x0D && $0 != 0x0A } }
        unusedBytes += bytes.readableBytes
        reading = bytes
        context.fireChannelRead(data)
        reading = nil
        if unusedBytes > unusedBytesMax { tooMuch() }
    }

    /// A part of a request came out of the parser.
    func used(isEnd: Bool) {
        unusedBytes = 0
        isInHead = false
        isBetweenRequests = isEnd
        if isEnd { hasLineEnded = false }
    }

    /// What the parser is given right now begins like a request, whatever its method: `BREW /pot HTTP/1.1`.
    var isAtRequestLine: Bool {
        guard let line = reading?.readableBytesView.prefix(while: { $0 != 0x0A }) else { return false }
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        return words.count == 3 && !words[0].isEmpty && words[2].starts(with: "HTTP/1.".utf8)
    }
}
