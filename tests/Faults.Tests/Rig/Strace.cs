using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>Programs under which a process's system calls fail, lie or kill it. The process stays the test's own child.</summary>
internal static class Strace
{
    /// <summary>Every fsync and fdatasync says that it is done and does nothing.</summary>
    public static IReadOnlyList<string> FakedSync => Inject("fsync,fdatasync", "retval=0");

    /// <summary>SIGKILL when one of the calls is entered for the Nth time.</summary>
    public static IReadOnlyList<string> KillAt(string call, int number) => Inject(call, $"signal=SIGKILL:when={number}");

    private static string[] Inject(string calls, string what) =>
        [ProgramLookup.Find("strace") ?? "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={calls}:{what}"];
}
