import HLCommand
import HLRecords
import Testing

struct CostTextTests {
    @Test func numbersHaveThreeDigits() {
        #expect(CostText.digits(0.0123456) == "0.0123" && CostText.digits(812.4) == "812")
        #expect(CostText.digits(-4.256) == "-4.26" && CostText.digits(0) == "0" && CostText.digits(12_345) == "12345")
        #expect(CostText.energy(812.4) == "812 J" && CostText.energy(15_120) == "4.2 Wh")
        #expect(CostText.energy(6.12e6) == "1.7 kWh" && CostText.mass(1500) == "1.5 kg")
    }

    @Test func aLineSaysWhatIsMeasuredAndWhatIsNot() throws {
        var cost = RunCost()
        (cost.seconds, cost.cpuSeconds) = (725, 1420)
        #expect(CostText.line(cost) == "took 12 min 5 s, 23 min 40 s of processors")
        cost.energy = .init(joules: 15_120, method: .measured, subject: "package-0", skipped: 1)
        cost.carbon = try CarbonIntensity(country: "ITA")
        #expect(
            CostText.line(cost)
                == "took 12 min 5 s, 23 min 40 s of processors, 4.2 Wh (measured: package-0, without 1 reading), "
                + "1.39 g CO2e (ITA, Our World in Data, 2023)")
    }
}
