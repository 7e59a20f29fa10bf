using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Configuration;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector;

/// <summary>An opcua source's section → options.</summary>
internal static class OpcUaBinder
{
    public static OpcUaSourceOptions? Bind(ConfigSection section)
    {
        section.Require("endpoint");
        var endpoint = section.String("endpoint");
        if (endpoint is not null && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme == "opc.tcp" && uri.Host.Length > 0))
        {
            section.Error("endpoint", "the endpoint is no opc.tcp address", "write opc.tcp://host:4840/path");
        }

        var security = BindSecurity(section);
        var user = section.String("username");
        var password = section.Secret("password");
        if (user is not null && password is null)
        {
            section.Error("username", "a user name without a password", "add `password`, best as file:PATH or ${NAME}");
        }

        if (user is not null && security.Policy == SecurityPolicy.None)
        {
            section.Warning("username", "without a security policy the server alone decides whether the password is encrypted", "set security_policy");
        }

        var acceptAny = section.Bool("accept_any_certificate") ?? false;
        if (acceptAny)
        {
            section.Warning("accept_any_certificate", "any server can pose as this one", "put the server's certificate into pki/trusted/certs");
        }

        var options = new OpcUaSourceOptions
        {
            Name = section.Name,
            EndpointUrl = endpoint ?? "",
            Policy = security.Policy,
            Mode = security.Mode,
            UserName = user,
            Password = password,
            AcceptAnyCertificate = acceptAny,
        };
        options = options with
        {
            PublishingInterval = section.Duration("publishing_interval", TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)) ?? options.PublishingInterval,
            SamplingInterval = section.Duration("sampling_interval", maximum: TimeSpan.FromDays(1)) ?? options.SamplingInterval,
            QueueSize = section.Int32("queue_size", 2, 1_000_000, "values") ?? options.QueueSize,
            Lifetime = section.Duration("subscription_lifetime", TimeSpan.FromSeconds(10), TimeSpan.FromDays(7)) ?? options.Lifetime,
            Items = [.. (section.SectionList("items") ?? []).Select(BindItem).OfType<OpcUaItem>()],
            Browse = [.. (section.SectionList("browse") ?? []).Select(BindBrowse).OfType<OpcUaBrowse>()],
        };
        if (section.Section("deadband") is { } deadband)
        {
            options = options with
            {
                Deadband = deadband.Enum<DeadbandKind>("kind") ?? DeadbandKind.Absolute,
                DeadbandValue = deadband.Double("value", 0) ?? 0,
            };
            deadband.Require("value");
        }

        if (options.Items.Count == 0 && options.Browse.Count == 0)
        {
            section.Error(null, "the source names no items", "add `items:` or `browse:`");
        }

        foreach (var twice in options.Items.GroupBy(i => i.Oid).Where(g => g.Count() > 1))
        {
            section.Error("items", $"two items are called {twice.Key}", "give each item an OID of its own");
        }

        return endpoint is null ? null : options;
    }

    private static (SecurityPolicy Policy, MessageSecurityMode Mode) BindSecurity(ConfigSection section)
    {
        var name = section.String("security_policy") ?? "None";
        var policy = SecurityPolicy.All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));
        if (policy is null)
        {
            section.Error(
                "security_policy", $"the security policy '{name}' is not known", $"use {string.Join(", ", SecurityPolicy.All.Select(p => p.Name))}");
            policy = SecurityPolicy.None;
        }

        var mode = section.Enum<MessageSecurityMode>("security_mode")
            ?? (policy == SecurityPolicy.None ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt);
        if (mode == MessageSecurityMode.Invalid || (policy == SecurityPolicy.None) != (mode == MessageSecurityMode.None))
        {
            section.Error("security_mode", $"policy {policy.Name} and mode {mode} do not go together", "use none with None, sign or sign_and_encrypt with the others");
        }

        return (policy, mode);
    }

    private static OpcUaItem? BindItem(ConfigSection section)
    {
        section.Require("node", "oid");
        var node = section.String("node");
        var oidText = section.String("oid");
        var sampling = section.Duration("sampling_interval", maximum: TimeSpan.FromDays(1));
        var queue = section.Int32("queue_size", 2, 1_000_000, "values");
        if (node is not null && !ExpandedNodeId.TryParse(node, out _))
        {
            section.Error("node", $"'{node}' is no node id", "write ns=2;s=Name, i=2258 or nsu=http://...;s=Name");
        }

        if (oidText is null || node is null)
        {
            return null;
        }

        if (Oid.TryParse(oidText, out var oid, out var error))
        {
            return new OpcUaItem(node, oid, sampling, queue);
        }

        section.Error("oid", error, "write for example sensor:plant/line1/temperature");
        return null;
    }

    private static OpcUaBrowse? BindBrowse(ConfigSection section)
    {
        section.Require("root", "oid");
        var root = section.String("root");
        var pattern = section.String("oid");
        var depth = section.Int32("max_depth", 1, 100, "levels") ?? 16;
        var items = section.Int32("max_items", 1, 1_000_000, "items") ?? 100_000;
        if (root is not null && !ExpandedNodeId.TryParse(root, out _))
        {
            section.Error("root", $"'{root}' is no node id", "write ns=2;s=Plant or i=85 for all objects");
        }

        if (pattern is not null && OidPattern.Check(pattern) is { } error)
        {
            section.Error("oid", error, "write for example sensor:plant/{path}");
            return null;
        }

        return root is null || pattern is null ? null : new OpcUaBrowse(root, pattern, depth, items);
    }
}
