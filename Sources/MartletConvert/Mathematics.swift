internal import Glibc

func log2Of(_ value: Float) -> Float { log2f(value) }
func exp2Of(_ value: Float) -> Float { exp2f(value) }

/// Cosine of the angle between two vectors of one length; 1 when both are zero.
func cosine(_ left: [Float], _ right: [Float]) -> Double {
    var dot = 0.0
    var leftSquare = 0.0
    var rightSquare = 0.0
    for (a, b) in zip(left, right) {
        dot += Double(a) * Double(b)
        leftSquare += Double(a) * Double(a)
        rightSquare += Double(b) * Double(b)
    }
    if leftSquare == 0, rightSquare == 0 { return 1 }
    if leftSquare == 0 || rightSquare == 0 { return 0 }
    return min(1, dot / (leftSquare * rightSquare).squareRoot())
}

/// Scores of one text from its logits.
func softmax(_ logits: [Float]) -> [Double] {
    let highest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - highest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

func sigmoid(_ logits: [Float]) -> [Double] { logits.map { 1 / (1 + exp(-Double($0))) } }
