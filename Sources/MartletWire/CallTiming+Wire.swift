internal import CMartletProtos
internal import MartletCore

extension CallTiming {
    init(_ timing: UnsafeMutablePointer<Martlet__V1__Timing>?) throws(MartletError) {
        guard let timing = timing?.pointee else {
            self.init()
            return
        }
        self.init(
            queue: try Self.duration(timing.queue_us, "timing.queue_us"),
            tokenize: try Self.duration(timing.tokenize_us, "timing.tokenize_us"),
            compute: try Self.duration(timing.compute_us, "timing.compute_us"),
            total: try Self.duration(timing.total_us, "timing.total_us"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Timing> {
        let timing = arena.make(martlet__v1__timing__init)
        timing.pointee.queue_us = queue.wholeMicroseconds
        timing.pointee.tokenize_us = tokenize.wholeMicroseconds
        timing.pointee.compute_us = compute.wholeMicroseconds
        timing.pointee.total_us = total.wholeMicroseconds
        return timing
    }

    private static func duration(_ microseconds: UInt64, _ field: StaticString) throws(MartletError) -> Duration {
        .microseconds(Int64(try CField.integer(microseconds, "\(field)")))
    }
}
