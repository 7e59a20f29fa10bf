using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>
/// A fact that breaks something of the machine for itself: it takes root and programs. <c>ZFREPL_FAULTS=all</c> runs the long ones too; what is not
/// run is reported as skipped, with the reason.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FaultFactAttribute : FactAttribute
{
    public FaultFactAttribute(params string[] programs)
    {
        Programs = programs;
        Skip = FaultRun.WhySkipped(isLong: false, programs);
    }

    public string[] Programs { get; }

    /// <summary>True for what only <c>ZFREPL_FAULTS=all</c> runs.</summary>
    public bool IsLong
    {
        get;
        set
        {
            field = value;
            Skip = FaultRun.WhySkipped(value, Programs);
        }
    }
}

/// <summary>As <see cref="FaultFactAttribute"/>, for theories.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FaultTheoryAttribute : TheoryAttribute
{
    public FaultTheoryAttribute(params string[] programs)
    {
        Programs = programs;
        Skip = FaultRun.WhySkipped(isLong: false, programs);
    }

    public string[] Programs { get; }

    /// <summary>True for what only <c>ZFREPL_FAULTS=all</c> runs.</summary>
    public bool IsLong
    {
        get;
        set
        {
            field = value;
            Skip = FaultRun.WhySkipped(value, Programs);
        }
    }
}

/// <summary>How much of the faults this run does.</summary>
internal static class FaultRun
{
    /// <summary>The variable: <c>all</c> for the long run.</summary>
    public const string Variable = "ZFREPL_FAULTS";

    public static bool IsAll => Environment.GetEnvironmentVariable(Variable) == "all";

    /// <summary>Rounds of a loop: a few in every run, many in the long one.</summary>
    public static int Rounds(int usual, int all) => IsAll ? all : usual;

    public static string? WhySkipped(bool isLong, string[] programs)
    {
        if (isLong && !IsAll)
        {
            return $"NOT RUN, it takes long: {Variable}=all runs it.";
        }

        return Environment.IsPrivilegedProcess
            ? ProgramLookup.WhyMissing(programs)
            : "NOT RUN, only root can mount disks and make networks to break. Run the tests as root in a container.";
    }
}
