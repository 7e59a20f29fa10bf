using Xunit;

namespace ZfRepl.TestKit;

/// <summary>A fact that needs a program of the machine; without it the test is reported as skipped, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresFactAttribute : FactAttribute
{
    public RequiresFactAttribute(params string[] programs)
    {
        Programs = programs;
        Skip = ProgramLookup.WhyMissing(programs);
    }

    public string[] Programs { get; }
}

/// <summary>As <see cref="RequiresFactAttribute"/>, for theories.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequiresTheoryAttribute : TheoryAttribute
{
    public RequiresTheoryAttribute(params string[] programs)
    {
        Programs = programs;
        Skip = ProgramLookup.WhyMissing(programs);
    }

    public string[] Programs { get; }
}
