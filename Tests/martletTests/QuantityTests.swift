import Testing
import martlet

struct QuantityTests {
    @Test("groups digits by commas", arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func counts(value: Int, text: String) {
        #expect(Quantity.count(value) == text)
    }

    @Test(
        "shows bytes in decimal units",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (35_149, "35.1 kB"), (999_999, "1.0 MB"),
            (200_000_000, "200.0 MB"),
            (2_500_000_000_000, "2.5 TB"),
        ])
    func bytes(value: Int, text: String) {
        #expect(Quantity.bytes(value) == text)
    }

    @Test("shows times in the unit that fits")
    func times() {
        #expect(Quantity.time(.microseconds(870)) == "870 µs")
        #expect(Quantity.time(.microseconds(12_340)) == "12.3 ms")
        #expect(Quantity.time(.milliseconds(250)) == "250 ms")
        #expect(Quantity.time(.milliseconds(4_560)) == "4.56 s")
        #expect(Quantity.time(.seconds(200)) == "3 min 20 s")
    }

    @Test("never rounds a share below one up to 100 %")
    func percents() {
        #expect(Quantity.percent(1) == "100 %")
        #expect(Quantity.percent(0.999_99) == "99.9 %")
        #expect(Quantity.percent(0.5) == "50 %")
        #expect(Quantity.percent(0.123) == "12.3 %")
        // A server may claim to have read more than was sent.
        #expect(Quantity.percent(1.5) == "150 %")
        #expect(Quantity.percent(Double(Int.max)) == "9.223372036854776e+20 %")
    }

    @Test("shows numbers that are not finite as they are")
    func notFinite() {
        #expect(Quantity.score(.nan) == "nan")
        #expect(Quantity.score(.infinity) == "inf")
        #expect(Quantity.fixed(-0.0456, 2) == "-0.05")
    }
}
