internal import CMartletProtos
internal import MartletCore

extension LabelScore {
    typealias CList = UnsafeMutablePointer<UnsafeMutablePointer<Martlet__V1__LabelScore>?>

    /// The scores of a repeated field; `field` is the list's own name.
    static func list(
        _ count: Int, _ start: CList?, _ field: @autoclosure () -> String
    ) throws(MartletError) -> [LabelScore] {
        let elements = CField.elements(count, start)
        var scores: [LabelScore] = []
        scores.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let element = element?.pointee else { continue }
            scores.append(
                LabelScore(
                    label: try CField.text(element.label, "\(field())[\(index)].label"), index: Int(element.index),
                    score: element.score))
        }
        return scores
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__LabelScore> {
        let score = arena.make(martlet__v1__label_score__init)
        score.pointee.label = arena.copy(label)
        score.pointee.index = UInt32(clamping: index)
        score.pointee.score = self.score
        return score
    }
}
