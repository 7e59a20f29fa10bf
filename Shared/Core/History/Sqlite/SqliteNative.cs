using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// Loads SQLite once for the process: the system's library first, because it gets the distribution's fixes, and the one that comes with
/// the package where the system has none.
/// </summary>
internal static class SqliteNative
{
    private const string PackagedName = "e_sqlite3";
    private const string SystemName = "libsqlite3.so.0";

    private static readonly Lazy<string> LoadedVersion = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads the library if that has not happened yet, and returns its version.</summary>
    public static string EnsureLoaded() => LoadedVersion.Value;

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        Batteries_V2.Init();
        return raw.sqlite3_libversion().utf8_to_string();
    }

    // Zero lets the runtime look for the packaged library in its own way.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == PackagedName && NativeLibrary.TryLoad(SystemName, out var handle) ? handle : 0;
}
