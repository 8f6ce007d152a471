import ArgumentParser
import MartletCore

/// What the program's exit code says. Numbers are those of BSD's `sysexits.h` where it has one.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case ok = 0
    case checkFailed = 1
    case usage = 64
    case data = 65
    case noInput = 66
    case unavailable = 69
    case internalError = 70
    case cannotCreate = 73
    case tryAgain = 75
    case protocolError = 76
    case noPermission = 77
    case configuration = 78

    package var meaning: String {
        switch self {
        case .ok: "done"
        case .checkFailed: "a check did not hold: a broken version, --fail-on, a rollout that was rolled back"
        case .usage: "the command line is wrong; the message shows how it goes"
        case .data: "the input or the request was refused"
        case .noInput: "no such file, folder, model or version"
        case .unavailable: "the server cannot be reached, or went away"
        case .internalError: "a fault inside Martlet"
        case .cannotCreate: "the output cannot be written, or is there already"
        case .tryAgain: "overloaded or out of time; the same call may work later"
        case .protocolError: "the peer does not speak this protocol, or broke it"
        case .noPermission: "not allowed"
        case .configuration: "the configuration does not hold: see martlet serve --check"
        }
    }

    /// The table that `martlet --help` ends with.
    package static var table: String {
        allCases.map { status in
            let number = String(status.rawValue)
            return "  " + String(repeating: " ", count: 3 - number.count) + number + "  " + status.meaning
        }.joined(separator: "\n")
    }

    /// The status for an error that came from the engine or from a server.
    package init(_ code: MartletError.Code) {
        switch code {
        case .invalidArgument, .outOfRange, .failedPrecondition: self = .data
        case .notFound: self = .noInput
        case .alreadyExists: self = .cannotCreate
        case .permissionDenied, .unauthenticated: self = .noPermission
        case .resourceExhausted, .deadlineExceeded, .aborted, .cancelled: self = .tryAgain
        case .unavailable: self = .unavailable
        case .unimplemented, .dataLoss: self = .protocolError
        default: self = .internalError
        }
    }
}

/// An error that ends the program: what went wrong and the way out, and the exit code.
package struct CommandFailure: Error {
    package var status: ExitStatus
    /// Nil when everything was said already, as after a failed check.
    package var message: String?

    package init(_ status: ExitStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }

    /// - Parameter what: the command's own words for what was tried, such as `classify`; empty for none.
    package init(_ error: MartletError, while what: String = "") {
        status = ExitStatus(error.code)
        var text = what.isEmpty ? error.message : "\(what): \(error.message)"
        if let wait = error.retryAfter {
            text += wait < .milliseconds(10) ? " (try again)" : " (try again in \(Quantity.time(wait)))"
        }
        if status == .internalError, let cause = error.cause { text += " (\(cause))" }
        message = text
    }
}
