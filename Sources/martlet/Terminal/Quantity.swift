import MartletCore

/// Numbers as people read them.
package enum Quantity {
    /// `1,234,567`: ASCII digits grouped by commas, in every locale, so that output can be compared.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// `512 B`, `34.1 kB`, `1.2 GB`: decimal units, as disks and networks count.
    package static func bytes(_ value: Int) -> String {
        if value.magnitude < 1_000 { return "\(value) B" }
        var scaled = Double(value)
        var unit = ""
        for next in ["kB", "MB", "GB", "TB"] where abs(scaled) >= 999.95 {
            scaled /= 1_000
            unit = next
        }
        // 999.95 to 999.999 bytes do not exist; a value from 1,000 up has been scaled at least once.
        return "\(fixed(scaled, 1)) \(unit)"
    }

    /// `870 µs`, `12.3 ms`, `4.56 s`, `3 min 20 s`.
    package static func time(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds < 0.001 { return "\(Int((seconds * 1_000_000).rounded())) µs" }
        if seconds < 1 { return "\(fixed(seconds * 1_000, seconds < 0.1 ? 1 : 0)) ms" }
        if seconds < 60 { return "\(fixed(seconds, seconds < 10 ? 2 : 1)) s" }
        let whole = Int(seconds.rounded())
        return "\(whole / 60) min \(whole % 60) s"
    }

    /// A score in 0...1 with three digits, or a regression value.
    package static func score(_ value: Float) -> String { fixed(Double(value), 3) }

    package static func percent(_ fraction: Double) -> String {
        let value = fraction * 100
        // 99.96 must not be shown as 100: something was left out.
        if fraction < 1, value >= 99.95 { return "99.9 %" }
        return "\(fixed(value, value == value.rounded() ? 0 : 1)) %"
    }

    /// `value` with `digits` decimals, rounded half away from zero; `nan`, `inf` as such.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 9e15 else { return "\(value)" }
        let whole = Int(abs(scaled))
        let divisor = Int(scale)
        let sign = scaled < 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(whole)" }
        let fraction = String(whole % divisor)
        return "\(sign)\(whole / divisor).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
