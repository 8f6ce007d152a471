import MartletCore
import MartletWire
import Testing

/// Messages of `RolloutService`: bytes against another implementation, defaults, and what is refused.
struct RolloutMessagesTests {
    private let codec = MessageCodec(arenaBytesMax: 1 << 20)

    private func check<Value: Equatable>(
        _ name: String, _ value: Value, decode: ([UInt8]) throws -> Value, encode: (Value) -> [UInt8]
    ) throws {
        let golden = try Fixture.message(name)
        #expect(try decode(golden) == value, "\(name) decoded")
        #expect(encode(value) == golden, "\(name) encoded")
    }

    private func message<Value>(_ body: () throws(MartletError) -> Value) -> String? {
        do throws(MartletError) {
            _ = try body()
            return nil
        } catch {
            return error.code == .invalidArgument ? error.message : "\(error)"
        }
    }

    /// A message of one field that holds `contents`.
    private func field(_ number: UInt8, _ contents: [UInt8]) -> [UInt8] {
        var length = contents.count
        var prefix = [number << 3 | 2]
        repeat {
            prefix.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
            length >>= 7
        } while length > 0
        return prefix + contents
    }

    private func double(_ number: UInt8, _ value: Double) -> [UInt8] {
        [number << 3 | 1] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }

    @Test("every message about versions and routes reads and writes the bytes of Python's protobuf")
    func routes() throws {
        let id = Samples.versionID
        try check(
            "LoadVersionRequest", id, decode: codec.decodeLoadVersionRequest, encode: codec.encodeLoadVersionRequest)
        try check(
            "UnloadVersionRequest", id, decode: codec.decodeUnloadVersionRequest,
            encode: codec.encodeUnloadVersionRequest)
        try check(
            "ClearQuarantineRequest", id, decode: codec.decodeClearQuarantineRequest,
            encode: codec.encodeClearQuarantineRequest)
        try check(
            "SetRouteRequest", SetRouteRequest(model: "guard", label: "stable", route: Samples.route),
            decode: codec.decodeSetRouteRequest, encode: codec.encode)
        try check(
            "SetRouteRequest.away", SetRouteRequest(model: "guard", label: "stable", route: nil),
            decode: codec.decodeSetRouteRequest, encode: codec.encode)
        try check(
            "ListRoutesRequest", "guard", decode: codec.decodeListRoutesRequest,
            encode: codec.encodeListRoutesRequest(named:))
        let plain = RouteStatus(name: "guard", label: "latest", route: Samples.plainRoute)
        try check(
            "ListRoutesResponse", [plain, Samples.routeStatus], decode: codec.decodeListRoutesResponse,
            encode: codec.encodeListRoutesResponse)
        for (name, bytes) in [
            ("UnloadVersionResponse", codec.encodeUnloadVersionResponse()),
            ("ClearQuarantineResponse", codec.encodeClearQuarantineResponse()),
            ("SetRouteResponse", codec.encodeSetRouteResponse()),
        ] {
            #expect(try Fixture.message(name) == bytes, "\(name) encoded")
        }
        try codec.decodeUnloadVersionResponse([])
        try codec.decodeClearQuarantineResponse([])
        try codec.decodeSetRouteResponse([])
    }

    @Test("every message about rollouts reads and writes the bytes of Python's protobuf")
    func rollouts() throws {
        try check("RolloutSpec", Samples.spec, decode: codec.decodeRolloutSpec, encode: codec.encode)
        try check("RolloutPlan", Samples.plan, decode: codec.decodeRolloutPlan, encode: codec.encode)
        try check("RolloutStatus", Samples.rolloutStatus, decode: codec.decodeRolloutStatus, encode: codec.encode)
        try check(
            "ListRolloutsRequest", "guard", decode: codec.decodeListRolloutsRequest,
            encode: codec.encodeListRolloutsRequest(named:))
        try check(
            "ListRolloutsResponse", [Samples.rolloutStatus, Samples.rolloutStatus],
            decode: codec.decodeListRolloutsResponse, encode: codec.encodeListRolloutsResponse)
        try check(
            "PromoteRolloutRequest", PromoteRolloutRequest(model: "guard", label: "stable"),
            decode: codec.decodePromoteRolloutRequest, encode: codec.encode)
        try check(
            "RollbackRequest", RollbackRequest(model: "guard", label: "stable", reason: "Grüße 🦜"),
            decode: codec.decodeRollbackRequest, encode: codec.encode)
    }

    @Test("every message of an upload reads and writes the bytes of Python's protobuf")
    func publishing() throws {
        let decode = { (bytes: [UInt8]) in try codec.decodePublishPart(bytes, inflatedBytesMax: 1 << 20) }
        try check("PublishPart.begin", Samples.begin, decode: decode) { codec.encode($0) }
        try check("PublishPart.bytes", Samples.part, decode: decode) { codec.encode($0) }
        let zlib = try Fixture.message("PublishPart.zlib")
        #expect(
            try decode(zlib)
                == .bytes(file: "tokenizer.json", offset: 7, bytes: Array(repeating: 0x61, count: 1_000)))
        try check("PublishEvent.held", Samples.held, decode: codec.decodePublishEvent, encode: codec.encode)
        try check(
            "PublishEvent.received", PublishEvent.received(bytes: 0), decode: codec.decodePublishEvent,
            encode: codec.encode)
        try check(
            "PublishEvent.published", PublishEvent.published(Samples.identity), decode: codec.decodePublishEvent,
            encode: codec.encode)
    }

    @Test("compressed bytes survive the way there and back, and bytes that do not shrink travel as they are")
    func compression() throws {
        let plain = Array(repeating: UInt8(7), count: 50_000)
        let part = PublishPart.bytes(file: "f", offset: 0, bytes: plain)
        let small = codec.encode(part, compresses: true)
        #expect(small.count < 1_000)
        #expect(try codec.decodePublishPart(small, inflatedBytesMax: plain.count) == part)
        let random = PublishPart.bytes(file: "f", offset: 0, bytes: [1, 99, 7, 200])
        #expect(codec.encode(random, compresses: true) == codec.encode(random))
        let empty = PublishPart.bytes(file: "f", offset: 0, bytes: [])
        #expect(try codec.decodePublishPart(codec.encode(empty, compresses: true), inflatedBytesMax: 0) == empty)
    }

    @Test("bytes that inflate above the limit are refused, whatever they claim")
    func bomb() throws {
        let bytes = codec.encode(
            .bytes(file: "f", offset: 0, bytes: Array(repeating: 0, count: 1 << 20)), compresses: true)
        do throws(MartletError) {
            _ = try codec.decodePublishPart(bytes, inflatedBytesMax: 1 << 16)
            Issue.record("a bomb was read")
        } catch {
            #expect(error.code == .resourceExhausted)
            #expect(error.message == "a compressed bytes.zlib_data inflates to more than the limit of 65536 bytes")
        }
    }

    @Test("what is not set has the defaults that the proto names")
    func defaults() throws {
        let spec = try codec.decodeRolloutSpec(field(1, Array("guard".utf8)) + [0x18, 0x08])
        #expect(spec == RolloutSpec(model: "guard", version: 8))
        #expect(spec.rules.errorRateMax == 0.01 && spec.keepOld == .seconds(3_600) && spec.label == "latest")
        // Rules that came say all: the one on errors is off unless it is among them.
        let ruled = try codec.decodeRolloutSpec(field(7, double(2, 1.5)))
        #expect(ruled.rules == RolloutSpec.Rules(errorRateMax: nil, p99RatioMax: 1.5))
        #expect(ruled.rules.callsMin == 100 && ruled.rules.window == .seconds(30))
        #expect(try codec.decodePromoteRolloutRequest([]).label == "latest")
        #expect(try codec.decodeRollbackRequest([]).label == "latest")
        #expect(try codec.decodeListRoutesRequest([]) == nil)
        #expect(try codec.decodeListRolloutsRequest([]) == nil)
        // A limit of 0 is a limit.
        let strict = try codec.decodeRolloutSpec(field(7, double(1, 0)) + [0x40, 0x00])
        #expect(strict.rules.errorRateMax == 0 && strict.keepOld == .zero)
    }

    @Test("every phase survives the way there and back")
    func phases() throws {
        for phase in RolloutStatus.Phase.allCases {
            var status = Samples.rolloutStatus
            status.phase = phase
            #expect(try codec.decodeRolloutStatus(codec.encode(status)) == status)
        }
    }

    @Test("counts in other buckets than ours are left out")
    func otherBuckets() throws {
        let bounds = field(6, (0..<8).map { UInt8(truncatingIfNeeded: (0.5).bitPattern >> (8 * $0)) })
        let comparison = bounds + field(7, [3, 4])
        let bytes = field(1, field(3, []) + field(4, comparison))
        let status = try #require(try codec.decodeListRoutesResponse(bytes).first)
        #expect(status.comparison?.drift == [])
    }

    @Test("numbers that mean nothing are refused with the field's name")
    func numbers() {
        func spec(_ bytes: [UInt8]) -> String? {
            message { () throws(MartletError) in try codec.decodeRolloutSpec(bytes) }
        }
        #expect(spec(double(5, .nan)) == "shadow_percent is not a finite number")
        #expect(spec(double(5, -1)) == "shadow_percent is -1.0, which is not between 0.0 and 100.0")
        #expect(spec(field(4, double(1, 1)) + field(4, double(1, 101)))
            == "steps[1].percent is 101.0, which is not between 0.0 and 100.0")
        #expect(spec(field(4, double(1, -.infinity))) == "steps[0].percent is not a finite number")
        #expect(spec(field(7, double(1, 1.5))) == "rules.error_rate_max is 1.5, which is not between 0.0 and 1.0")
        #expect(spec(field(7, double(2, -2))) == "rules.p99_ratio_max is -2.0, which is below 0.0")
        #expect(spec(field(7, double(3, .nan))) == "rules.disagreement_max is not a finite number")
        let most = Array(repeating: 0xFF as UInt8, count: 9) + [0x01]
        #expect(spec([0x40] + most)
            == "keep_old_ms is 18446744073709551615, above the limit of 31622400000, which is 366 days")
        #expect(spec(field(4, [0x10] + most))?.hasPrefix("steps[0].bake_ms is 18446744073709551615, above") == true)
        #expect(spec(field(7, [0x28] + most))?.hasPrefix("rules.window_ms is 18446744073709551615, above") == true)
        #expect(spec(field(7, [0x20] + most))
            == "rules.calls_min is 18446744073709551615, above 9223372036854775807")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeSetRouteRequest(field(3, field(3, double(2, .infinity))))
            } == "route.shadow.percent is not a finite number")
    }

    @Test("lists of more elements than may be are refused with the field's name")
    func lists() {
        let steps = (0..<33).flatMap { _ in field(4, double(1, 1)) }
        #expect(
            message { () throws(MartletError) in try codec.decodeRolloutSpec(steps) }
                == "steps has 33 elements, above the limit of 32")
        let targets = (0..<17).flatMap { _ in field(1, [0x08, 0x01]) }
        #expect(
            message { () throws(MartletError) in try codec.decodeSetRouteRequest(field(3, targets)) }
                == "route.targets has 17 elements, above the limit of 16")
    }

    @Test("what is missing or unknown is refused with the field's name")
    func missing() {
        func status(_ bytes: [UInt8]) -> String? {
            message { () throws(MartletError) in try codec.decodeRolloutStatus(bytes) }
        }
        #expect(status([]) == "spec is missing")
        #expect(status(field(1, [])) == "phase has the unknown value 0")
        #expect(status(field(1, []) + [0x18, 0x09]) == "phase has the unknown value 9")
        #expect(
            message { () throws(MartletError) in try codec.decodeListRoutesResponse(field(1, [])) }
                == "routes[0].route is missing")
        func part(_ bytes: [UInt8]) -> String? {
            message { () throws(MartletError) in try codec.decodePublishPart(bytes, inflatedBytesMax: 10) }
        }
        #expect(part([]) == "a PublishPart holds neither begin nor bytes")
        #expect(part(field(2, [])) == "bytes holds neither data nor zlib_data")
        #expect(part(field(2, field(1, [0xFF]))) == "bytes.file is not valid UTF-8")
        #expect(part(field(2, field(4, [1, 2, 3])))
            == "a compressed bytes.zlib_data is not a complete zlib stream")
        #expect(
            message { () throws(MartletError) in try codec.decodePublishEvent([]) }
                == "a PublishEvent has no known event")
    }
}
