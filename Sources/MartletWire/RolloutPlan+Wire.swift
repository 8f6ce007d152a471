internal import CMartletProtos
internal import MartletCore

extension RolloutPlan {
    init(_ plan: Martlet__V1__RolloutPlan) throws(MartletError) {
        var current: ModelRoute?
        if let given = plan.current?.pointee { current = try ModelRoute(given, "current.") }
        var stages: [ModelRoute] = []
        for (index, element) in CField.elements(plan.n_stages, plan.stages).enumerated() {
            guard let element = element?.pointee else { continue }
            stages.append(try ModelRoute(element, "stages[\(index)]."))
        }
        self.init(
            from: Int(plan.from), to: Int(plan.to), current: current, stages: stages, loads: plan.loads != 0,
            memoryNeeded: try CField.integer(plan.memory_needed, "memory_needed"), memoryLeft: Int(plan.memory_left),
            problems: try CField.texts(plan.n_problems, plan.problems, "problems"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RolloutPlan> {
        let plan = arena.make(martlet__v1__rollout_plan__init)
        plan.pointee.from = UInt32(clamping: from)
        plan.pointee.to = UInt32(clamping: to)
        plan.pointee.current = current?.build(in: arena)
        plan.pointee.n_stages = stages.count
        plan.pointee.stages = arena.list(stages) { $0.build(in: arena) }
        plan.pointee.loads = loads ? 1 : 0
        plan.pointee.memory_needed = UInt64(clamping: memoryNeeded)
        plan.pointee.memory_left = Int64(memoryLeft)
        plan.pointee.n_problems = problems.count
        plan.pointee.problems = arena.values(problems) { arena.copy($0) }
        return plan
    }
}
