internal import CMartletProtos
package import MartletCore

extension MessageCodec {
    package func decodeClassifyRequest(_ bytes: [UInt8]) throws(MartletError) -> ClassifyRequest {
        try decode(bytes, as: "ClassifyRequest", with: martlet__v1__classify_request__unpack) {
            (request) throws(MartletError) in
            try ClassifyRequest(request)
        }
    }

    package func encode(_ request: ClassifyRequest) -> [UInt8] {
        encode { arena in request.build(in: arena) }
    }

    package func decodeClassifyAnswer(_ bytes: [UInt8]) throws(MartletError) -> ClassifyAnswer {
        try decode(bytes, as: "ClassifyResponse", with: martlet__v1__classify_response__unpack) {
            (response) throws(MartletError) in
            try ClassifyAnswer(response)
        }
    }

    package func encode(_ answer: ClassifyAnswer) -> [UInt8] {
        encode { arena in answer.build(in: arena) }
    }
}
