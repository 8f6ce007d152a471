package import MartletCore

/// Bytes in, frames out, as far as they are complete. No I/O.
package struct FrameDecoder: Sendable {
    /// What a frame may hold besides its message: method, metadata, token.
    package static let frameOverheadBytesMax = 65_536
    package static let prefixBytes = 5
    /// A buffer that grew beyond this for one large frame is given back afterwards.
    private static let keptBufferBytesMax = 64 << 10

    private let frameBytesMax: Int
    private let inflatedBytesMax: Int
    private let arenaBytesMax: Int
    private let acceptsCompression: Bool
    private let arenas: ArenaPool
    private var buffer: [UInt8] = []
    /// Where the first byte not yet decoded stands in `buffer`.
    private var start = 0
    private var failure: MartletError?

    /// - Parameters:
    ///   - frameBytesMax: largest length a prefix may state.
    ///   - inflatedBytesMax: largest frame after inflating.
    ///   - arenaBytesMax: memory that decoding one frame may take; above `frameBytesMax` by some, because a payload is
    ///     copied into it.
    ///   - acceptsCompression: what our Hello said.
    ///   - arenas: shared between connections; an own pool when nil.
    package init(
        frameBytesMax: Int, inflatedBytesMax: Int, arenaBytesMax: Int, acceptsCompression: Bool = true,
        arenas: ArenaPool? = nil
    ) {
        self.frameBytesMax = frameBytesMax
        self.inflatedBytesMax = inflatedBytesMax
        self.arenaBytesMax = arenaBytesMax
        self.acceptsCompression = acceptsCompression
        self.arenas = arenas ?? ArenaPool()
    }

    /// Bytes received and not yet part of a frame that `next` gave out.
    package var bufferedBytes: Int { buffer.count - start }

    /// Takes what the socket gave. Call `next` until nil before the next `append`, or the buffer grows without bound.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard failure == nil else { return }
        if start > bufferedBytes {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Called when everything is decoded, so that a connection that idles after a large frame does not hold its memory.
    private mutating func clearBuffer() {
        if buffer.capacity > Self.keptBufferBytesMax { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
        start = 0
    }

    /// The next complete frame, or nil when more bytes are needed.
    /// - Throws: `.invalidArgument` or `.resourceExhausted`, which end the connection: later calls throw it again.
    package mutating func next() throws(MartletError) -> Frame? {
        if let failure { throw failure }
        do {
            return try decodeNext()
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    private mutating func decodeNext() throws(MartletError) -> Frame? {
        guard bufferedBytes >= Self.prefixBytes else {
            if bufferedBytes == 0 { clearBuffer() }
            return nil
        }
        let flags = buffer[start]
        guard flags & ~FrameFlags.compressed == 0 else {
            throw MartletError(.invalidArgument, "reserved flag bits are set in a frame's prefix (flags \(flags))")
        }
        let length = buffer[(start + 1)..<(start + Self.prefixBytes)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= frameBytesMax else {
            throw MartletError(
                .resourceExhausted, "a frame of \(length) bytes is above the limit of \(frameBytesMax) bytes")
        }
        guard bufferedBytes - Self.prefixBytes >= length else {
            // Room for the whole frame, but only once a quarter of it has really come: a prefix alone costs nothing.
            let end = start + Self.prefixBytes + length
            if bufferedBytes >= length / 4, buffer.capacity < end { buffer.reserveCapacity(end) }
            return nil
        }
        let bodyStart = start + Self.prefixBytes
        start = bodyStart + length
        if flags & FrameFlags.compressed != 0 {
            guard acceptsCompression else {
                throw MartletError(.invalidArgument, "a compressed frame came although Hello did not accept them")
            }
            let inflated = try body(bodyStart, length) { (bytes) throws(MartletError) in
                try Zlib.inflated(bytes, bytesMax: inflatedBytesMax)
            }
            return try inflated.withBytes { (bytes) throws(MartletError) in try decodeFrame(bytes) }
        }
        return try body(bodyStart, length) { (bytes) throws(MartletError) in try decodeFrame(bytes) }
    }

    private func body<Result>(
        _ start: Int, _ length: Int, _ use: (UnsafeRawBufferPointer) throws(MartletError) -> Result
    ) throws(MartletError) -> Result {
        try buffer.withBytes { (all) throws(MartletError) in
            try use(UnsafeRawBufferPointer(rebasing: all[start..<(start + length)]))
        }
    }

    private func decodeFrame(_ bytes: UnsafeRawBufferPointer) throws(MartletError) -> Frame {
        try arenas.withArena(budget: arenaBytesMax) { (arena) throws(MartletError) in
            try Frame(decoding: bytes, arena: arena)
        }
    }
}

/// Bits of a prefix's first byte. The others must be 0.
enum FrameFlags {
    static let compressed: UInt8 = 1
}
