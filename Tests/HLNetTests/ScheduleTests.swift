import HLNet
import Testing

struct ScheduleTests {
    @Test func halfCosine() {
        let schedule = Schedule(base: 0.4, steps: 100)
        #expect(schedule.rate(0) == 0.4)
        #expect(abs(schedule.rate(50) - 0.2) < 1e-7)
        #expect(abs(schedule.rate(25) - 0.4 * 0.853_553_39) < 1e-7)
        #expect(abs(schedule.rate(100)) < 1e-9)
        #expect(abs(schedule.rate(1000)) < 1e-9)
        for step in 1...100 { #expect(schedule.rate(step) < schedule.rate(step - 1)) }
    }

    @Test func floor() {
        let schedule = Schedule(base: 2, steps: 10, floor: 0.25)
        #expect(schedule.rate(0) == 2)
        #expect(schedule.rate(5) == 1.25)
        #expect(schedule.rate(10) == 0.5)
    }

    @Test func warmUp() {
        let schedule = Schedule(base: 1, steps: 30, warmupSteps: 10)
        #expect(schedule.rate(0) == 0)
        #expect(schedule.rate(5) == 0.5)
        #expect(schedule.rate(10) == 1)
        #expect(abs(schedule.rate(20) - 0.5) < 1e-7)
        #expect(Schedule(base: 1, steps: 4, warmupSteps: 4).rate(3) == 0.75)
    }
}
