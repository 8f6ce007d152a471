package import MartletCore

/// Every check of a version with its outcome, for `martlet verify`.
package struct ArtifactVerification: Codable, Sendable {
    package struct Check: Codable, Sendable, Hashable {
        package enum Outcome: String, Codable, Sendable {
            case passed, failed
            /// A check before it failed, so it would say nothing.
            case skipped
        }

        package var name: String
        package var outcome: Outcome
        /// Figures where it passed, the reason where it failed.
        package var detail: String
    }

    package private(set) var checks: [Check] = []

    package var holds: Bool { checks.allSatisfy { $0.outcome == .passed } }

    /// What the first failed check said; nil when all hold.
    package var failure: MartletError? {
        checks.first { $0.outcome == .failed }.map { MartletError(.failedPrecondition, $0.detail) }
    }

    /// Reads `folder` and notes what each step found.
    /// - Parameter more: checks that need more than the files, such as the encoder's golden answers: a name, and what
    ///   returns the figures or throws.
    package init(
        folder: String, reader: ArtifactReader = ArtifactReader(),
        more: [(name: String, run: (ModelArtifact) throws(MartletError) -> String)] = []
    ) {
        var artifact: ModelArtifact?
        do throws(MartletError) {
            var passed: [Check] = []
            defer { checks = passed }
            artifact = try reader.read(folder: folder) { step, detail in
                passed.append(Check(name: step.rawValue, outcome: .passed, detail: detail))
            }
        } catch {
            let steps = reader.steps
            for (index, step) in steps.enumerated() where index >= checks.count {
                let isFirst = !checks.contains { $0.outcome == .failed }
                checks.append(
                    Check(
                        name: step.rawValue, outcome: isFirst ? .failed : .skipped,
                        detail: isFirst ? error.message : ""))
            }
        }
        for check in more {
            guard let artifact else {
                checks.append(Check(name: check.name, outcome: .skipped, detail: ""))
                continue
            }
            do throws(MartletError) {
                checks.append(Check(name: check.name, outcome: .passed, detail: try check.run(artifact)))
            } catch {
                checks.append(Check(name: check.name, outcome: .failed, detail: error.message))
            }
        }
    }

    /// One check a line.
    package var text: String {
        checks.map { check in
            let sign =
                switch check.outcome {
                case .passed: "ok      "
                case .failed: "FAILED  "
                case .skipped: "skipped "
                }
            return sign + ArtifactInspection.pad(check.name, to: 16) + check.detail
        }.joined(separator: "\n")
    }
}
