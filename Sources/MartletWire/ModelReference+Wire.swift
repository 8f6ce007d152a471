internal import CMartletProtos
internal import MartletCore

extension ModelReference {
    /// A message without a reference gives the empty name, which Serving refuses.
    init(
        _ reference: UnsafeMutablePointer<Martlet__V1__ModelReference>?, _ field: StaticString
    ) throws(MartletError) {
        guard let reference = reference?.pointee else {
            self.init(name: "")
            return
        }
        self.init(name: try CField.text(reference.name, "\(field).name"))
        switch reference.selector_case {
        case MARTLET__V1__MODEL_REFERENCE__SELECTOR_VERSION: selector = .version(Int(reference.version))
        case MARTLET__V1__MODEL_REFERENCE__SELECTOR_LABEL:
            selector = .label(try CField.text(reference.label, "\(field).label"))
        default: selector = .latest
        }
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ModelReference> {
        let reference = arena.make(martlet__v1__model_reference__init)
        reference.pointee.name = arena.copy(name)
        switch selector {
        case .latest: break
        case .version(let number):
            reference.pointee.selector_case = MARTLET__V1__MODEL_REFERENCE__SELECTOR_VERSION
            reference.pointee.version = UInt32(clamping: number)
        case .label(let label):
            reference.pointee.selector_case = MARTLET__V1__MODEL_REFERENCE__SELECTOR_LABEL
            reference.pointee.label = arena.copy(label)
        }
        return reference
    }
}

extension ModelIdentity {
    init(_ identity: UnsafeMutablePointer<Martlet__V1__ModelIdentity>?) throws(MartletError) {
        guard let identity = identity?.pointee else {
            throw MartletError(.invalidArgument, "model is missing from the answer")
        }
        self.init(
            name: try CField.text(identity.name, "model.name"), version: Int(identity.version),
            label: try CField.text(identity.label, "model.label"),
            digest: try CField.text(identity.digest, "model.digest"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ModelIdentity> {
        let identity = arena.make(martlet__v1__model_identity__init)
        identity.pointee.name = arena.copy(name)
        identity.pointee.version = UInt32(clamping: version)
        identity.pointee.label = arena.copy(label)
        identity.pointee.digest = arena.copy(digest)
        return identity
    }
}
