using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>The methods that every service has: test, info, stop, health.</summary>
internal static class BuiltInMethods
{
    private const string Author = "The ZfRepl authors";

    /// <summary>While a service starts, an operator may look at its health and stop it; all else, test included, is not ready.</summary>
    private static readonly FrozenSet<string> Always = FrozenSet.Create("stop", "health");

    private static readonly string Version =
        typeof(BuiltInMethods).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static RpcSurface Around(IService service, ServiceContext context, Action stop)
    {
        var builtIn = new RpcMethods();
        builtIn.Add("test", "Answers when the service is ready", [], (_, _) => Task.FromResult(RpcResult.Empty));
        builtIn.Add("stop", "Stops this service", [], (_, _) =>
        {
            stop();
            return Task.FromResult(RpcResult.Empty);
        });
        builtIn.Add("health", "State of the service's parts, worst first in `state`", [], (_, _) => Task.FromResult(Health(context.Health)));
        builtIn.Add("info", "What the service is and which methods it has", [], (_, _) => Task.FromResult(Info(service, context, builtIn)));
        builtIn.Freeze();
        return new RpcSurface(context.Methods, builtIn, Always);
    }

    private static RpcResult Health(HealthRegistry health) => RpcResult.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("state", Name(health.Overall));
        writer.WriteStartArray("checks");
        foreach (var check in health.Snapshot())
        {
            writer.WriteStartObject();
            writer.WriteString("name", check.Name);
            writer.WriteString("state", Name(check.State));
            writer.WriteString("message", check.Message);
            writer.WriteNumber("since", check.Since.ToUnixTimeMilliseconds() / 1000m);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static RpcResult Info(IService service, ServiceContext context, RpcMethods builtIn) => RpcResult.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("author", Author);
        writer.WriteString("version", Version);
        writer.WriteString("description", service.Description);
        writer.WriteStartObject("methods");
        foreach (var method in builtIn.Ready!.Values.Concat(context.Methods.Ready!.Values).OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            Describe(writer, method);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static void Describe(Utf8JsonWriter writer, RpcMethod method)
    {
        writer.WriteStartObject(method.Name);
        writer.WriteString("description", method.Description);
        writer.WriteStartObject("params");
        foreach (var parameter in method.Parameters)
        {
            writer.WriteStartObject(parameter.Name);
            writer.WriteBoolean("required", parameter.IsRequired);
            writer.WriteString("type", parameter.Type.ToString());
            writer.WriteString("description", parameter.Description);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string Name(HealthState state) => state.ToString().ToLowerInvariant();
}
