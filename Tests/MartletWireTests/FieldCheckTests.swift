import MartletCore
import MartletWire
import Testing

/// What protobuf-c lets through and Martlet does not.
struct FieldCheckTests {
    private let codec = MessageCodec(arenaBytesMax: 1 << 20)

    private func message<Value>(_ body: () throws(MartletError) -> Value) -> String? {
        do throws(MartletError) {
            _ = try body()
            return nil
        } catch {
            return error.code == .invalidArgument ? error.message : "\(error)"
        }
    }

    private func field(_ number: UInt8, _ contents: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(contents.count)] + contents
    }

    @Test(
        "invalid UTF-8 is refused with the field's name",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func invalidUTF8(bad: [UInt8]) {
        let good = field(2, field(1, [0x41]))
        let third = good + good + good + field(2, field(1, bad))
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyRequest(third) }
                == "inputs[3].text is not valid UTF-8")
        let pair = good + field(2, field(2, bad))
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyRequest(pair) }
                == "inputs[1].pair is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyRequest(field(1, field(1, bad))) }
                == "model.name is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeDocumentChunk(field(1, field(5, bad))) }
                == "options.focus_label is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeListModelsResponse(field(1, [0x18, 0x05] + field(7, bad)))
            } == "models[0].class_labels[0] is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeClassifyAnswer(field(1, []) + field(2, []) + field(2, field(1, field(1, bad))))
            } == "results[1].scores[0].label is not valid UTF-8")
    }

    @Test("invalid UTF-8 in messages about tokens and models is refused with the field's name")
    func invalidUTF8Elsewhere() {
        let bad = field(1, [0xFF])
        #expect(
            message { () throws(MartletError) in
                try codec.decodeEmbedRequest(field(2, field(1, [0x41])) + field(2, bad))
            }
                == "inputs[1].text is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeTokenizeRequest(field(2, bad)) }
                == "inputs[0].text is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeTokenizeAnswer(field(1, []) + field(2, field(1, field(2, [0xFF]))))
            } == "results[0].tokens[0].text is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeDetokenizeAnswer(field(1, []) + field(2, [0xFF])) }
                == "texts[0] is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeSetLabelRequest(field(2, [0xFF])) }
                == "label is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeGetStatisticsResponse(field(1, bad)) }
                == "models[0].name is not valid UTF-8")
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyStreamItem(bad) } == "id is not valid UTF-8")
    }

    @Test("token ids that no vocabulary can have are refused with their place")
    func tokenIDs() {
        let tooLarge = field(2, field(2, field(1, [0x07, 0x80, 0x80, 0x80, 0x80, 0x08])))
        #expect(
            message { () throws(MartletError) in try codec.decodeEmbedRequest(tooLarge) }
                == "inputs[0].token_ids.ids[1] is 2147483648, above 2147483647")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeDetokenizeRequest(field(2, field(1, [0x80, 0x80, 0x80, 0x80, 0x08])))
            } == "sequences[0].ids[0] is 2147483648, above 2147483647")
    }

    @Test("an input to embed that is neither text nor tokens is refused")
    func embedNothing() {
        #expect(
            message { () throws(MartletError) in try codec.decodeEmbedRequest(field(2, [])) }
                == "inputs[0] holds neither text nor token_ids")
    }

    @Test("a request of a stream that cannot be read fails alone, under its id")
    func streamItems() throws {
        let id = field(1, [0x37])
        for (bytes, expected) in [
            (id, "request is missing"), (id + field(2, [0x18, 0x04]), "overflow has the unknown value 4"),
            (id + field(2, field(2, field(1, [0xFF]))), "inputs[0].text is not valid UTF-8"),
        ] {
            let item = try codec.decodeClassifyStreamItem(bytes)
            #expect(item.id == "7")
            #expect(message { () throws(MartletError) in try item.request.get() } == expected)
        }
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyStreamAnswer(id) }
                == "a ClassifyStreamResponse has no known outcome")
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyStreamAnswer(id + field(3, [])) }
                == "failure.code is 0, which is success")
    }

    @Test("a NUL inside a text is kept")
    func embeddedNUL() throws {
        let request = try codec.decodeClassifyRequest(field(2, field(1, [0x41, 0x00, 0x42])))
        #expect(request.inputs == [TextInput("A\0B")])
    }

    @Test("document bytes are not checked: a chunk may end inside a character")
    func chunkBytes() throws {
        #expect(try codec.decodeDocumentChunk(field(2, [0xFF, 0xC3])).data == [0xFF, 0xC3])
    }

    @Test("unknown enum numbers are refused, negative ones too")
    func unknownEnums() {
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyRequest([0x18, 0x04]) }
                == "overflow has the unknown value 4")
        let negative: [UInt8] = [0x18] + Array(repeating: 0xFF, count: 9) + [0x01]
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyRequest(negative) }
                == "overflow has the unknown value -1")
        #expect(
            message { () throws(MartletError) in try codec.decodeDocumentChunk(field(1, [0x20, 0x63])) }
                == "options.aggregation has the unknown value 99")
        #expect(
            message { () throws(MartletError) in try codec.decodeModelStatus([0x18, 0x00]) }
                == "state has the unknown value 0")
        #expect(
            message { () throws(MartletError) in try codec.decodeDocumentEvent([]) }
                == "a DocumentEvent has no known kind")
    }

    @Test("a confidence that is not a finite number is refused", arguments: [Float.nan, .infinity, -.infinity])
    func confidence(value: Float) {
        var chunk = Samples.firstChunk
        chunk.options?.minConfidence = value
        #expect(
            message { () throws(MartletError) in try codec.decodeDocumentChunk(codec.encode(chunk)) }
                == "options.min_confidence is not a finite number")
    }

    @Test("numbers that Int cannot hold are refused with the field's name")
    func largeNumbers() {
        let most = Array(repeating: 0xFF as UInt8, count: 9) + [0x01]
        #expect(
            message { () throws(MartletError) in
                try codec.decodeDocumentEvent(field(1, field(2, [0x10] + most)))
            } == "span.byte_end is 18446744073709551615, above 9223372036854775807")
        #expect(
            message { () throws(MartletError) in
                try codec.decodeClassifyAnswer(field(1, []) + field(3, [0x20] + most))
            } == "timing.total_us is 18446744073709551615, above 9223372036854775807")
    }

    @Test("numbers that the wire cannot hold are clamped, not trapped")
    func clamped() throws {
        let answer = ClassifyAnswer(
            model: ModelIdentity(name: "m", version: Int.max, digest: ""),
            results: [TextResult(scores: [], tokensRead: -1, tokensTotal: Int.max, windows: -5)],
            timing: CallTiming(queue: .seconds(-3), total: .seconds(Int64.max)))
        let bytes = codec.encode(answer)
        #expect(
            message { () throws(MartletError) in try codec.decodeClassifyAnswer(bytes) }
                == "timing.total_us is 18446744073709551615, above 9223372036854775807")
        var sane = answer
        sane.timing.total = .seconds(1)
        let back = try codec.decodeClassifyAnswer(codec.encode(sane))
        #expect(back.model.version == Int(UInt32.max))
        #expect(back.results == [TextResult(scores: [], tokensRead: 0, tokensTotal: Int.max, windows: 0)])
        #expect(back.timing.queue == .zero)
    }
}
