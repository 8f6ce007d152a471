/// `grpc.health.v1.HealthCheckResponse.ServingStatus`, but for `UNKNOWN`: this server knows.
package enum HealthStatus: Sendable, Hashable {
    case serving, notServing
    /// Only `Watch` answers it.
    case serviceUnknown
}
