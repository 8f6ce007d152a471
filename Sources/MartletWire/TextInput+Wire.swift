internal import CMartletProtos
internal import MartletCore

extension TextInput {
    typealias CList = UnsafeMutablePointer<UnsafeMutablePointer<Martlet__V1__TextInput>?>

    /// The texts of a request's `inputs`.
    static func list(_ count: Int, _ start: CList?) throws(MartletError) -> [TextInput] {
        let elements = CField.elements(count, start)
        var inputs: [TextInput] = []
        inputs.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let element = element?.pointee else { continue }
            var input = TextInput(try CField.text(element.text, "inputs[\(index)].text"))
            if element.second_case == MARTLET__V1__TEXT_INPUT__SECOND_PAIR {
                input.pair = try CField.text(element.pair, "inputs[\(index)].pair")
            }
            inputs.append(input)
        }
        return inputs
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__TextInput> {
        let input = arena.make(martlet__v1__text_input__init)
        input.pointee.text = arena.copy(text)
        if let pair {
            input.pointee.second_case = MARTLET__V1__TEXT_INPUT__SECOND_PAIR
            input.pointee.pair = arena.copy(pair)
        }
        return input
    }
}
