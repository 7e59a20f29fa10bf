using System.ComponentModel;
using Xunit.Abstractions;
using Xunit.Sdk;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.History;

/// <summary>A fact of a contract that several databases keep. It is skipped, with the reason, where the programs that its class needs are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("ZfRepl.Core.Tests.History.ContractFactDiscoverer", "ZfRepl.Core.Tests")]
public sealed class ContractFactAttribute : FactAttribute;

/// <summary>Names the programs without which the contract's facts of a test class can't run.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsProgramsAttribute(params string[] programs) : Attribute
{
    public string[] Programs { get; } = programs;
}

/// <summary>Finds them.</summary>
public sealed class ContractFactDiscoverer(IMessageSink messages) : IXunitTestCaseDiscoverer
{
    public IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        [new ContractTestCase(messages, discoveryOptions.MethodDisplayOrDefault(), discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod)];
}

/// <summary>One of them in one class.</summary>
public sealed class ContractTestCase : XunitTestCase
{
    [Obsolete("Called by the runner alone, when it reads a test case back.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ContractTestCase()
    {
    }

    public ContractTestCase(IMessageSink messages, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(messages, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute)
    {
        var needs = TestMethod.TestClass.Class.GetCustomAttributes(typeof(NeedsProgramsAttribute)).SingleOrDefault();
        var programs = needs?.GetConstructorArguments().Single() switch
        {
            string[] names => names,
            IEnumerable<object> names => [.. names.Cast<string>()],
            _ => [],
        };
        return ProgramLookup.WhyMissing(programs) ?? base.GetSkipReason(factAttribute);
    }
}
