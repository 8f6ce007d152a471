internal import Glibc

/// Who may write to a file or folder, as far as its mode tells.
///
/// What others can change is not what somebody published. A group that this process is in is taken for the operator's:
/// Kubernetes gives a volume's files to such a one.
enum Writers {
    /// What is wrong and the way out, when somebody may write who should not; nil when nobody may.
    static func stranger(_ status: stat) -> (problem: String, wayOut: String)? {
        let mode = String(status.st_mode & 0o7777, radix: 8)
        if status.st_mode & S_IWOTH != 0 {
            return ("everybody may write to it (mode \(mode))", "Take that right away: chmod o-w.")
        }
        if status.st_mode & S_IWGRP != 0, !ownGroups().contains(status.st_gid) {
            return (
                "group \(status.st_gid), which this process is not in, may write to it (mode \(mode))",
                "Take that right away: chmod g-w."
            )
        }
        return nil
    }

    private static func ownGroups() -> [gid_t] {
        var groups = [gid_t](repeating: 0, count: max(0, Int(getgroups(0, nil))))
        let count = getgroups(Int32(groups.count), &groups)
        return groups.prefix(max(0, Int(count))) + [getegid()]
    }
}
