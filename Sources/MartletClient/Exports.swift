// What calls take and give stands in MartletCore: users of the client need one import.
@_exported public import MartletCore
