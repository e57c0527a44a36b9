"""Small templates, one feature or oddity each; rendered with VARIABLES by Jinja2 and by Tarn."""

VARIABLES = {
    "x": 7,
    "y": -3,
    "z": 0,
    "f": 2.5,
    "t": True,
    "n": None,
    "s": "Hello World",
    "u": "Grüße, Ωμέγα 😀 ßtraße",
    "e": "",
    "ws": " \t a b \n c ",
    "lines": "one\ntwo\r\nthree\n\nfive",
    "html": "<a href='x'>&\"</a>",
    "l": [3, 1, 2],
    "ls": ["b", "A", "c", "a"],
    "mixed": [1, "1", 1.0, None, True, [1], {"k": 1}],
    "nested": {"a": {"b": {"c": [10, 20, {"d": "deep"}]}}},
    "d": {"b": 2, "a": 1, "C": 3, "items": "own items", "get me": 5},
    "users": [
        {"name": "Zoe", "age": 31, "tags": ["x", "y"], "address": {"city": "Oslo"}},
        {"name": "adam", "age": 25, "tags": [], "address": {"city": "rome"}},
        {"name": "Bob", "age": 31, "address": {"city": "oslo"}},
    ],
    "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}, {"v": 5, "kids": []}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi é"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [{"name": "f", "arguments": {"q": "1"}}]},
        {"role": "tool", "content": "42"},
        {"role": "user", "content": "Bye"},
    ],
}

WHITESPACE = r"""
a\n  {% if t %}\n  b\n  {% endif %}\nc
a\n  {%- if t %}\n  b\n  {%- endif %}\nc
a\n  {% if t -%}\n  b\n  {% endif -%}\nc
a\n  {%+ if t %}\n  b\n  {%+ endif %}\nc
a\n  {% if t +%}\n  b\n  {% endif +%}\nc
a {% if t %} b {% endif %} c
  {% if t %}x{% endif %}
\n\n  {% if t %}x{% endif %}\n\n
{% if t %}\n\nx{% endif %}
a\n  {# comment #}\nb
a\n  {#- comment -#}\nb
a\n  {#+ comment +#}\nb
a  {# c #}  b
{# a #}{# b #}x
{#-#}x
{# {{ nothing }} {% if %} #}x
a\n  {{ x }}\nb
a\n  {{- x }}\nb
a\n  {{ x -}}\n  b
a\n  {{+ x }}\nb
{{ x }}\n
{{ x }}\n\n
x\n
x\n\n
\n
\r\nx\r\ny\r
a\r\n  {% if t %}\r\n  b\r\n{% endif %}\r\nc
{%- for i in l -%}\n {{ i }} \n{%- endfor -%}
{% for i in l %}\n {{ i }}\n{% endfor %}\n.
 \u00a0{%- if t %}x{% endif -%}\u2003 y
 \u00a0{% if t %}x{% endif %}
x \t{% if t %}y{% endif %}
\t \t{% if t %}y{% endif %}
{{ x -}} \n {{- y }}
{{-x-}}
{{- -x -}}
{%if t%}a{%endif%}
{%-if t-%} a {%-endif-%}
{% raw %}{{ x }} {% if %}{% endraw %}
a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb
a\n  {%- raw -%}\n  {{ x }}\n  {%- endraw -%}\nb
a\n  {%+ raw %} {{ x }} {%+ endraw +%}\nb
{% raw -%}   x   {%- endraw %}
{%raw%}{%{%endraw%}
{{ '{{' }}{{ '%}' }}{{ "#}" }}
{{ {'a': {'b': 1}}['a']['b'] }}
{{ {'a': {'b': 1}} }}
{{ [[1, 2], [3]] }}
{ { x } } {x} {%  set a = 1  %}{ % %}
{{ x }}{{ y }}{% set q = 1 %}{{ q }}
{
{{ "a
b" }}
{% if t %}  \n  {% endif %}x
{% set a %}\n x \n{% endset %}[{{ a }}]
""".strip("\n").split("\n")

EXPRESSIONS = r"""
1 + 2 * 3 - 4
(1 + 2) * 3
7 / 2
6 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7 % -3
-7.5 % 2
7.5 // 2
-7.5 // 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
0 ** 0
2.0 ** 0.5
1 / 0
1 // 0
1 % 0
1.0 // 0
1e3
1E-5
1.5e+10
1_000_000
0x1F + 0o17 + 0b101
0xff_ff
1_0.2_5
1.0
100000000000000000.0
1e16
1e15
123456789.123456789
0.1 + 0.2
1e100
-0.0
1e-7
true and 5
0 or 'x'
'' or none or 'last'
1 and 0 and 2
not x
not not x
not x == 7
x == 7 and not y > 0
1 < 2 < 3
1 < 2 > 1
1 < 3 < 2
1 == 1.0
true == 1
'1' == 1
none == false
x != 7
'a' < 'b'
'a' < 1
[1, 2] < [1, 3]
[1] < [1, 0]
(1, 'a') < (1, 'b')
none < 1
1 in l
9 in l
9 not in l
not 9 in l
'ell' in s
'' in s
1 in s
'b' in d
2 in d
'x' in none
x in [7]
n in mixed
'a' ~ 1 ~ none ~ true ~ 1.5
'a' ~ [1, 'b'] ~ {'c': none}
'a' + 'b' * 3
3 * 'ab'
'ab' * 0
'ab' * -1
[1] + [2]
[1] * 3
(1,) + (2,)
[1] + (2,)
'a' + 1
1 + 'a'
none + 1
true + true
true * 3
-true
+true
+'a'
-x
+x
- -x
--x
x if t else y
x if not t else y
x if not t
(x if not t) is defined
1 if 0 else 2 if 0 else 3
'a' if x > 5 else 'b'
[1, 'two', 3.0, none, true, [4], (5,), {'six': 6}]
(1, 2)
(1,)
()
1, 2
1,
{}
{'a': 1, 'b': [1, 2]}
{1: 'a', 'b': none, 2.5: true, none: 0, true: 'x'}
{'a': 1, 'a': 2}
{1: 'a', true: 'b', 1.0: 'c'}
{[1]: 2}
[1, 2,]
{'a': 1,}
'it\'s'
"say \"hi\""
['it\'s', "say \"hi\"", 'both \' and "']
'tab\tnewline\nbackslash\\'
['tab\tnewline\nbackslash\\\r\x00\x7f\u00e9\u200b\U0001F600']
'\x41\u00e9\U0001F600\101\0'
'\q\8'
'a' 'b' "c"
'a
b'
"\u00zz"
x.foo
x.foo.bar
d.b
d['b']
d.missing
d.missing is defined
d.missing.more
d['missing']['more']
d['items']
d['get me']
d.get('b')
d.get('zz')
d.get('zz', 'dflt')
d.get()
d.keys()
d.values()
d.items() | list
d.items() | length
d.keys() | list | join(',')
nested.a.b.c[2].d
nested['a'].b['c'][0]
nested.a.b.c.0
nested.a.b.c[-1]
nested.a.b.c[9]
nested.a.b.c[9].x
l[0]
l[-1]
l[1:]
l[:-1]
l[::-1]
l[::2]
l[5:]
l[-2:]
l[2:0:-1]
l[:]
l[1:2] + l[:1]
l['a']
l[1.0]
l[true]
l[none]
s[0]
s[-1]
s[1:4]
s[::-1]
s[::3]
s[100]
s[100:]
u[0:7]
u[7]
u[::-1]
u[-6:]
u[8:13:2]
(1, 2, 3)[1:]
range(10)[2:5] | list
range(5) | list
range(2, 8, 3) | list
range(5, 0, -2) | list
range(3)
range(0)
range(1, 9, 2)
range(10)[3]
range(100001)
range(1, 2, 0)
3 in range(5)
l[::0]
l[1:'a']
d[1:2]
missing
missing.attr
missing['key']
missing()
missing + 1
1 + missing
missing == missing
missing == none
missing ~ 'x'
missing is defined
missing is undefined
missing is none
missing | default('d')
missing | d
n | default('d')
n | default('d', true)
e | default('d', true)
e | default('d', boolean=true)
missing.x | default('d')
not missing
missing or 'x'
missing in [1]
1 in missing
missing < 1
-missing
[missing]
{'a': missing}
missing | length
missing | list
missing | upper
missing | tojson
missing | int
missing | join(',')
missing | trim
missing | string
missing | first
missing | last
missing | items | list
missing[1:]
missing | replace('a', 'b')
x()
s.upper()
s.nope()
s.__class__
s.__class__.__mro__
''['__class__']
l.append(1)
l.append
l.pop()
d.update({'a': 1})
d.pop('a')
d.clear is defined
d.setdefault('q', 1)
l.sort()
l.index(2)
l.index(99)
l.count(1)
(1, 2, 1).count(1)
(1, 2).index(2)
s.split()
s.split(' ')
s.split('l')
s.split('l', 1)
s.split(maxsplit=1)
s.split(none)
s.split('')
ws.split()
ws.split(none, 1)
ws.rsplit(none, 1)
' a b '.split(' ')
'a,b,,c,'.split(',')
'a,b,,c,'.rsplit(',', 2)
'a b c d'.rsplit(maxsplit=2)
'  '.split()
''.split()
''.split(',')
'aXbXc'.partition('X')
'aXbXc'.rpartition('X')
'abc'.partition('X')
'abc'.rpartition('X')
lines.splitlines()
lines.splitlines(true)
lines.splitlines(keepends=true)
ws.strip()
ws.lstrip()
ws.rstrip()
'xxaxx'.strip('x')
'xyaxy'.strip('yx')
'xxaxx'.lstrip('x')
'xxaxx'.rstrip('x')
'xxx'.strip('x')
u.strip('ßGeür')
s.startswith('Hell')
s.startswith('ell', 1)
s.startswith(('x', 'He'))
s.startswith(1)
s.endswith('ld')
s.endswith('l', 0, -1)
s.replace('l', 'L')
s.replace('l', 'L', 1)
s.replace('', '-')
s.replace('l')
s.replace(old='l', new='L')
s.upper() + s.lower()
u.upper()
u.lower()
u.title()
u.capitalize()
u.swapcase()
'ΑΣ ΑΣΑ Σ'.lower()
'ǆ ǅ Ǆ ŉ ﬁ'.title()
"they're bill's friends".title()
'ﬁx'.upper()
'İ'.lower() | length
s.find('o')
s.find('o', 5)
s.find('zz')
s.rfind('o')
u.find('Ω')
u.rfind('ß')
s.index('o')
s.index('zz')
s.count('l')
s.count('')
s.count('l', 4)
'aaaa'.count('aa')
', '.join(ls)
', '.join([1])
','.join('abc')
','.join(d)
'abc'.isalpha() ~ 'ab1'.isalpha() ~ ''.isalpha() ~ 'é'.isalpha()
'123'.isdigit() ~ '²'.isdigit() ~ '²'.isdecimal() ~ '½'.isnumeric() ~ '一'.isnumeric()
'a1'.isalnum() ~ 'a '.isalnum()
' \t'.isspace() ~ ''.isspace()
'Ab'.isupper() ~ 'AB1'.isupper() ~ 'ab1'.islower() ~ '1'.islower()
'Ab Cd'.istitle() ~ 'AB'.istitle() ~ ''.istitle()
'ab'.isascii() ~ 'é'.isascii()
'ab'.center(7, '*') ~ 'abc'.center(6) ~ 'ab'.ljust(4, '.') ~ 'ab'.rjust(4)
'7'.zfill(3) ~ '-7'.zfill(4) ~ '+é'.zfill(5)
'a\tb'.expandtabs() ~ 'a\tb'.expandtabs(4)
'prefix-x'.removeprefix('prefix-') ~ 'x.py'.removesuffix('.py')
s.upper().lower().title()
'%s and %d' % ('a', 5)
'%s' % 'x'
'%s' % [1]
'%5d|%-5d|%05d|%+d|% d' % (42, 42, 42, 42, 42)
'%x %X %o %#x %#o' % (255, 255, 8, 255, 8)
'%.2f %e %g %10.3f %-8.1f|' % (3.14159, 12345.678, 0.0001, 2.5, 1.25)
'%r %s' % ('a', none)
'%%' % ()
'%(a)s-%(b)d' % {'a': 1, 'b': 2}
'%s' % ()
'%s %s' % ('a',)
'x' % 'a'
'%d' % 'a'
'%c%c' % (65, 'b')
'%5s|%-5s|%.2s' % ('ab', 'ab', 'abc')
'%*d' % (5, 42)
'%s' % missing
'%y' % 1
dict.fromkeys(['a', 'b'], 0)
dict.fromkeys('ab')
dict.fromkeys(range(2), [])
{'x': 1}.fromkeys([1, 1.0])
dict.fromkeys()
dict.fromkeys(1)
namespace(a=1)
namespace(a=1).a
namespace({'a': 2}, b=3).b
namespace(a=1).b
namespace(_a=1)
namespace(a=1)['a']
dict(a=1, b=2)
dict({'a': 1}, b=2)
dict([('a', 1), ('b', 2)])
dict()
raise_exception('custom ' ~ x)
strftime_now('%d %b %Y')
strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %%')
strftime_now('')
strftime_now is defined
raise_exception is callable
joiner is defined
x is callable
unknown_function(1)
x is odd
x is even
x is not even
x is divisibleby 7
x is divisibleby(2)
f is float
x is integer
t is integer
t is boolean
t is number
f is number
s is number
s is string
n is none
n is not none
d is mapping
l is mapping
l is sequence
s is sequence
d is sequence
x is sequence
missing is sequence
l is iterable
s is iterable
x is iterable
missing is iterable
d.items() is iterable
range(3) is sequence
x is eq 7
x is equalto 7
x is == 7
x is ne 7
x is lt 8
x is gt 8
x is le 7
x is ge(8)
x is greaterthan 1
x is lessthan 1
x is in [7, 8]
x is in(l)
'a' is in 'abc'
x is sameas 7
n is sameas none
t is sameas true
l is sameas l
'abc' is lower
'ABC' is upper
'aBc' is lower
'' is lower
t is true
t is false
1 is true
(1 == 2) is false
'upper' is filter
'nope' is filter
'odd' is test
x is defined and x > 5
x is defined or y
x is odd is even
x is nosuchtest
1 if x is nosuchtest else 2
s is odd
missing is odd
x is divisibleby missing
'a' is string and 'b' is string
not x is string
html | escape
html | e
html | safe
html | escape | escape
(html | safe) + '<'
('<' | safe) ~ '<'
'<' + ('<' | safe)
[html | safe]
html | forceescape
html | safe | upper
s | upper
s | lower
u | upper
u | title
'foo-bar baz(qux) "quux" [a {b <c it\'s' | title
u | capitalize
'fOO bAR' | capitalize
x | upper
ws | trim
'xxaxx' | trim('x')
'xxaxx' | trim(chars='x')
l | trim
s | replace('l', 'L')
s | replace('l', 'L', 1)
s | replace('l', 'L', count=2)
x | replace(7, 8)
s | length
u | length
l | length
d | length
d | count
x | length
n | length
l | first
l | last
s | first
s | last
d | first
d | last
[] | first
[] | last
range(4) | last
l | map('string') | last
l | join
l | join(', ')
ls | join(', ') | upper
users | join(', ', attribute='name')
users | join(attribute='age', d='-')
d | join('|')
'abc' | join('.')
mixed | join(' ')
x | join
l | sort
ls | sort
ls | sort(case_sensitive=true)
l | sort(reverse=true)
l | sort(true)
mixed | sort
users | sort(attribute='age') | map(attribute='name') | list
users | sort(attribute='age,name') | map(attribute='name') | list
users | sort(attribute='age', reverse=true) | map(attribute='name') | list
users | sort(attribute='address.city') | map(attribute='name') | list
users | sort(attribute='nope')
s | sort
d | sort
d | dictsort
d | dictsort(true)
d | dictsort(false, 'value')
d | dictsort(by='value')
d | dictsort(reverse=true)
d | dictsort(by='nope')
{'b': 'x', 'a': 'Y'} | dictsort(by='value')
l | dictsort
missing | dictsort
l | reverse | list
s | reverse
u | reverse
d | reverse | list
range(4) | reverse | list
l | map('string') | reverse
l | min
l | max
ls | min
ls | max
ls | max(case_sensitive=true)
users | min(attribute='age')
users | max(attribute='age')
[] | min
[] | max is defined
l | sum
[] | sum
[1.5, 2] | sum
users | sum(attribute='age')
l | sum(start=10)
ls | sum
[[1], [2]] | sum(start=[])
l | unique | list
['a', 'A', 'b'] | unique | list
['a', 'A', 'b'] | unique(case_sensitive=true) | list
users | unique(attribute='age') | map(attribute='name') | list
[[1]] | unique | list
users | map(attribute='name') | list
users | map(attribute='address.city') | list
users | map(attribute='nope') | list
users | map(attribute='nope', default='?') | list
users | map(attribute='address.zip', default='?') | list
users | map(attribute='tags.0') | list
users | map(attribute='tags') | map('length') | list
nested.a.b.c | map('string') | list
ls | map('upper') | list
ls | map('replace', 'a', 'z') | list
ls | map('nope') | list
ls | map | list
[] | map('nope') | list
l | select | list
l | select('odd') | list
l | select('gt', 1) | list
[0, 1, '', 'a', none] | select | list
l | reject('odd') | list
[0, 1, '', 'a', none] | reject | list
l | select('nope') | list
users | selectattr('tags') | map(attribute='name') | list
users | selectattr('age', 'eq', 31) | map(attribute='name') | list
users | selectattr('age', '==', 31) | list | length
users | selectattr('tags', 'defined') | list | length
users | selectattr('address.city', 'equalto', 'Oslo') | list | length
users | rejectattr('age', 'lt', 30) | map(attribute='name') | join(',')
users | rejectattr('tags') | map(attribute='name') | list
users | selectattr | list
messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list
messages | rejectattr('role', 'in', ['system', 'tool']) | list | length
users | groupby('age')
users | groupby('address.city') | map(attribute='grouper') | list
users | groupby('address.city', case_sensitive=true) | map(attribute='grouper') | list
users | groupby('nope', default='z') | map('first') | list
(users | groupby('age'))[0].list | length
l | batch(2) | list
l | batch(2, 'x') | list
l | batch(0) | list
[] | batch(0) | list
l | batch(-1, 'x') | list
range(7) | slice(3) | list
range(7) | slice(3, 'x') | list
d | items | list
d | items | first
l | items | list
l | list
s | list
u | list | length
d | list
x | list
x | string
l | string
f | string ~ 'x'
none | string
'42' | int
'42.7' | int
' 42 ' | int
'-7' | int
'+7' | int
'4_2' | int
'abc' | int
'abc' | int(5)
'abc' | int(default=none)
'ff' | int(base=16)
'0xff' | int(base=16)
'0x1f' | int(0, 0)
'0b11' | int(0, 2)
'1e3' | int
'' | int
2.9 | int
-2.9 | int
true | int
none | int
[] | int
'inf' | int
'3.14' | float
' 3.14 ' | float
'1e3' | float
'abc' | float
'abc' | float(1.5)
'nan' | float
'-inf' | float
3 | float
none | float
'1_0.5' | float
-5 | abs
-5.5 | abs
s | abs
2.5 | round
3.5 | round
2.567 | round(2)
2.567 | round(1, 'floor')
2.512 | round(1, 'ceil')
42 | round
1250 | round(-2)
1350 | round(-2)
-1250 | round(-2)
2.675 | round(2)
1e20 | round
123.456 | round(-1)
2.5 | round(method='nope')
s | round
lines | indent
lines | indent(2)
lines | indent(2, true)
lines | indent(2, false, true)
lines | indent(2, first=true, blank=true)
lines | indent('> ')
'' | indent
'a\n' | indent
'\n\na' | indent(2, true, true)
'a\r' | indent
x | indent
s | wordcount
u | wordcount
'foo bar baz qux' | truncate(9)
'foo bar baz qux' | truncate(9, true)
'foo bar baz qux' | truncate(11)
'foo bar baz qux' | truncate(11, false, '...', 0)
u | truncate(8, true, '…', 0)
'abc' | truncate(2)
'ab' | center(6)
'a b/c?d=é&' | urlencode
{'a b': 1, 'c': 'é/'} | urlencode
[('a', 1), ('b', 2)] | urlencode
'%s-%s' | format(1, 'b')
'%(a)s' | format(a=3)
x | nosuchfilter
1 if t else (x | nosuchfilter)
x | upper | nosuchfilter
l | attr('append')
d | attr('b')
d | tojson
l | tojson
u | tojson
u | tojson(ensure_ascii=true)
html | tojson
'a"b\\c\n\t\r\b\f\x01\x7f/' | tojson
mixed | tojson
nested | tojson(indent=2)
nested | tojson(indent=0)
nested | tojson(indent=-1)
nested | tojson(2)
nested | tojson(indent='--')
nested | tojson(indent=2, separators=(',', ':'))
nested | tojson(separators=(',', ':'))
nested | tojson(false, 4, none, true)
d | tojson(sort_keys=true)
d | tojson(sort_keys=true, indent=1)
{1: 2, none: 3, true: 4, 2.5: 5} | tojson
{(1, 2): 3} | tojson
(1, 2) | tojson
[] | tojson(indent=2)
{} | tojson(indent=2)
[[], {}] | tojson(indent=2)
1.0 | tojson
1e100 | tojson
'nan' | float | tojson
['inf' | float] | tojson
range(3) | tojson
d.items() | tojson
namespace(a=1) | tojson
(html | safe) | tojson
missing.x | tojson
x | tojson(nope=1)
s | upper()
s | replace
s | replace('a')
s | upper(1)
s | join(1, 2, 3)
f == 2.5
1 == 1 == 1
1 in [1] == true
(1 in [1]) == true
l == [3, 1, 2]
[1, 2] == (1, 2)
{'a': 1} == {'a': 1.0}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
mixed == mixed
(1, 2) in [(1, 2)]
d.get([1])
[1] in d
s.split('o')[0].strip().upper()[1:]
messages[0].role ~ messages[-1]['content']
messages[::-1] | map(attribute='role') | join(',')
messages[1:] | length
messages[0]['content'] if messages[0]['role'] == 'system' else ''
(messages | last).content
messages | map(attribute='role') | list | tojson
messages[2].content.split('</think>')[-1].lstrip('\n')
messages[2].content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n')
messages[9].role
messages | selectattr('tool_calls') | map(attribute='tool_calls') | first | first
(lambda)
x +
* x
x y
(x
[x
{x}
{'a' 1}
'unterminated
x | 
x is
x.
x..y
x[
x[]
x['a'
@
x ? y
x && y
x ! y
f(a=1, 2)
f(*l, *l)
dict(**{'a': 1}, **{'b': 2})
dict(**{'a': 1})
range(*[1, 5]) | list
range(*l)
dict(a=1, a=2)
dict(missing)
namespace(missing).a
dict(**d)
s.split(*[' ', 1])
1.5.2
1.x
007
00
1abc
é
ñ or 'x'
_
none()
True and None is none
False or none
if
loop
not
9223372036854775807
-9223372036854775807 - 1
x.y.z
[x for x in l]
s[0:2, 1]
l[0, 1]
d[('a', 1)]
""".strip("\n").split("\n")

STATEMENTS = r"""
{% if x > 5 %}a{% elif x > 3 %}b{% else %}c{% endif %}
{% if x > 9 %}a{% elif x > 3 %}b{% else %}c{% endif %}
{% if x > 9 %}a{% elif x > 8 %}b{% else %}c{% endif %}
{% if missing %}a{% else %}b{% endif %}
{% if missing.x %}a{% endif %}
{% if x: %}a{% endif %}
{% if x, y %}a{% endif %}
{% if x if y else z %}a{% endif %}
{% for i in l %}{{ i }}{% endfor %}
{% for i in l %}{{ loop.index }}/{{ loop.length }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for i in l %}{{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }} {{ loop.depth }} {{ loop.depth0 }};{% endfor %}
{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}
{% for i in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}
{% for i in l %}{{ loop.previtem.x }}{% endfor %}
{% for i in l %}{{ loop.cycle('odd', 'even') }} {% endfor %}
{% for i in l %}{{ loop.cycle() }} {% endfor %}
{% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }} {% endfor %}
{% for i in l %}{{ loop }} {% endfor %}
{% for i in l %}{{ loop | length }}{% endfor %}
{% for i in l %}{{ loop.nope }}{% endfor %}
{% for i in l %}{{ loop.nope.x }}{% endfor %}
{% for i in l if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}
{% for i in l if i > 1 %}{{ loop.last }}{{ loop.previtem }}{% endfor %}
{% for i in l if i > 9 %}{{ i }}{% else %}none{% endfor %}
{% for i in [] %}{{ i }}{% else %}empty{% endfor %}
{% for i in missing %}{{ i }}{% else %}empty{% endfor %}
{% for i in n %}{{ i }}{% endfor %}
{% for i in 5 %}{{ i }}{% endfor %}
{% for c in 'aé😀' %}[{{ c }}]{% endfor %}
{% for k in d %}{{ k }} {% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }} {% endfor %}
{% for k, v in d | items %}{{ k }}={{ v }}{{ loop.last }} {% endfor %}
{% for k, v in d | dictsort %}{{ k }}={{ v }} {% endfor %}
{% for (k, v) in d.items() %}{{ k }}{% endfor %}
{% for a, (b, c) in [(1, (2, 3)), (4, (5, 6))] %}{{ a }}{{ b }}{{ c }} {% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [(1,)] %}{% endfor %}
{% for a, b in l %}{% endfor %}
{% for a in 1, 2, 3 %}{{ a }}{% endfor %}
{% for a, in [(1,), (2,)] %}{{ a }}{% endfor %}
{% for i in l %}{% for j in l %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }}|{% endfor %}
{% for i in range(3) %}{% set q = i %}{{ q }}{% endfor %}{{ q }}
{% set q = 1 %}{% for i in l %}{% set q = i %}{% endfor %}{{ q }}
{% set q = 1 %}{% for i in l %}{{ q }}{% set q = i %}{{ q }}{% endfor %}{{ q }}
{% set q = 1 %}{% if t %}{% set q = 2 %}{% endif %}{{ q }}
{% set ns = namespace(q=0) %}{% for i in l %}{% set ns.q = ns.q + i %}{% endfor %}{{ ns.q }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}
{% set ns = namespace(a=1) %}{{ ns }}
{% set ns = namespace(a=[]) %}{% set ns.a = ns.a + [1] %}{{ ns.a }}
{% set ns = {} %}{% set ns.a = 1 %}
{% set ns = namespace() %}{% set ns._a = 1 %}
{% set nope.a = 1 %}
{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}
{% set ns = namespace() %}{% set ns.a %}block{% endset %}{{ ns.a }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = [1, 2, 3] %}
{% set (a, b) = 'xy' %}{{ a }}{{ b }}
{% set a = 1, 2 %}{{ a }}
{% set a = b = 1 %}
{% set 1 = 2 %}
{% set a.b.c = 1 %}
{% set a %}x{{ x }}{% endset %}[{{ a }}]
{% set a | upper %}x{{ s }}{% endset %}[{{ a }}]
{% set a | upper | replace('L', '!') %}{{ s }}{% endset %}[{{ a }}]
{% set a %}{% set inner = 1 %}{% endset %}[{{ inner }}]
{% set a = 'x' %}{% set a = a ~ 'y' %}{{ a }}
{% filter upper %}abc{{ s }}{% endfilter %}
{% filter upper | replace('A', 'b') %}abc{% endfilter %}
{% filter trim | indent(2, true) %}  a\n b  {% endfilter %}
{% filter replace('a', s) %}abc{% set x = 1 %}{% endfilter %}{{ x }}
{% filter nosuch %}x{% endfilter %}
{% with %}{{ x }}{% endwith %}
{% with a = 1, b = x %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with x = 1, b = x %}{{ x }}{{ b }}{% endwith %}{{ x }}
{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}
{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m() }}{{ m(b=5, a=6) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}
{% macro m(a=x) %}{{ a }}{% endmacro %}{{ m() }}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}
{% macro m(a) %}{{ varargs | join(',') }}{% endmacro %}{{ m(1, 2, 3) }}
{% macro m(kwargs) %}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(z=1) }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body {{ x }}{% endcall %}
{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(i) m() %}<{{ i }}>{% endcall %}
{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}
{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}
{% macro m(caller) %}{{ caller() }}{% endmacro %}{{ m() }}
{% call x() %}{% endcall %}
{% call m %}{% endcall %}
{% call l.index(1) %}b{% endcall %}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m }}{{ m.name }}
{% macro m(a, b=1) %}{{ a }}{{ kwargs }}{% endmacro %}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{{ m.nothing }}
{% macro m() %}{{ varargs }}{{ caller() }}{% endmacro %}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}
{% macro m(a) %}a{% endmacro %}{{ m(1) | upper }}{{ m(1) is string }}
{% macro fact(k) %}{% if k <= 1 %}1{% else %}{{ k * fact(k - 1) | int }}{% endif %}{% endmacro %}{{ fact(5) }}
{% macro walk(items) %}{% for i in items %}({{ i.v }}{{ walk(i.kids) }}){% endfor %}{% endmacro %}{{ walk(tree) }}
{% macro m() %}{{ later }}{% endmacro %}{% set later = 5 %}{{ m() }}
{% macro m() %}{% set x = 99 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1) }}{{ x }}
{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}
{% macro outer() %}{% macro inner() %}I{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner }}
{% set f = x %}{% macro m(p) %}{{ p + f }}{% endmacro %}{{ m(1) }}
{% for i in tree recursive %}{{ i.v }}{% if i.kids %}[{{ loop(i.kids) }}]{% endif %}{% endfor %}
{% for i in tree recursive %}{{ loop.depth }}{{ loop.index }} {{ loop(i.kids) }}{% endfor %}
{% for i in tree recursive %}{{ i.v }}{{ loop(i.kids) }}{% else %}-{% endfor %}
{% for i in l %}{{ loop(i) }}{% endfor %}
{% for i in range(10) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in range(6) %}{% if i % 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}
{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}
{% for i in range(3) %}{% break %}{% else %}e{% endfor %}
{% for i in [] %}{% else %}{% break %}{% endfor %}
{% for k in l %}{% for i in [] %}{% else %}{% break %}{% endfor %}x{% endfor %}
{% break %}
{% continue %}
{% if t %}{% break %}{% endif %}
{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% for i in l %}{% filter upper %}a{% break %}{% endfilter %}{% endfor %}x
{% for i in l %}a{% set q %}b{% if i == 1 %}{% continue %}{% endif %}{% endset %}{{ q }}{% endfor %}x
{% for i in l %}{% with %}{% if i == 1 %}{% break %}{% endif %}{% endwith %}{{ i }}{% endfor %}
{% for i in l %}{% generation %}{{ i }}{% endgeneration %}{% endfor %}
{% generation %}a{% set q = 1 %}{% endgeneration %}{{ q }}
{% for i in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}
{% print x %}{% print x, s %}
{% do l.append(1) %}
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{% nosuchtag %}
{% endif %}
{% if x %}
{% for i in l %}
{% if x %}{% endfor %}
{% for i l %}{% endfor %}
{% for in l %}{% endfor %}
{% for loop in l %}{% endfor %}
{% for i.x in l %}{% endfor %}
{% for 1 in l %}{% endfor %}
{% else %}
{% if x %}a{% else %}b{% else %}c{% endif %}
{% if %}{% endif %}
{% set %}
{% set x %}
{% %}
{% 5 %}
{{ }}
{{
{{ x
{% if x
{# open
{% raw %}open
{% macro m %}{% endmacro %}
{% macro m( %}{% endmacro %}
{% endmacro %}
{{ raise_exception('a "quoted" message') }}
{% if false %}{{ raise_exception('no') }}{% endif %}ok
{% if false %}{{ x | nosuch }}{% endif %}ok
{% if false %}{% for i in l %}{{ x | nosuch }}{% endfor %}{% endif %}ok
{% for i in [] %}{{ x | nosuch }}{% endfor %}
{% set j = joiner('; ') %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set _ = c.reset() %}{{ c.next() }}
{% set g = l | map('string') %}{{ g | list }}{{ g | list }}
{% set g = users | selectattr('age', 'gt', 30) %}{% for u in g %}{{ loop.index }}{{ u.name }}{{ loop.last }}{% endfor %}
{% set g = l | select('odd') %}{% for i in g %}{{ loop.length }}{{ loop.revindex }}{% endfor %}
{% if l | select('gt', 99) %}truthy{% endif %}
{{ (l | map('string'))[0] }}
{{ (l | map('string'))[0].x }}
{{ l | map('string') | length }}
{% set items = d.items() %}{% for k, v in items %}{{ k }}{% endfor %}{% for k, v in items %}{{ v }}{% endfor %}
{% set messages = messages[1:] %}{{ messages | length }}{% for m in messages %}{{ m.role[0] }}{% endfor %}
{% for message in messages %}{{ '<|' ~ message['role'] ~ '|>' ~ message.content ~ '\n' }}{% endfor %}
{% for m in messages if m.role != 'system' %}{{ loop.index0 }}{{ m.role }}{{ loop.nextitem.role if loop.nextitem is defined else '.' }} {% endfor %}
{% for m in messages %}{% set m = m.content %}{{ m[:2] }}{% endfor %}
{% for m in messages %}{% set content = m.content | trim %}{% if loop.first and content %}{{ content }}{% endif %}{% endfor %}
{% set x = x + 1 %}{{ x }}
{% set l = l + [4] %}{{ l }}{% set l = l + [5] %}{{ l }}
{% set a = [] %}{% for i in l %}{% set a = a + [i] %}{% endfor %}{{ a }}
{% set s = 'a' %}{% set s2 = s + 'b' %}{% set s3 = s2 + 'c' %}{% set s4 = s2 + 'd' %}{{ s }}{{ s2 }}{{ s3 }}{{ s4 }}
{% for i in l %}{{ x }}{% set x = i %}{% endfor %}{{ x }}
{% for x in l %}{{ x }}{% endfor %}{{ x }}
{% for i in l %}{{ x }}{% endfor %}{% set x = 5 %}{{ x }}
{% for i in l %}{{ x + 1 }}{% endfor %}{% set x = 5 %}
{{ x }}{% for i in l %}{{ x }}{% endfor %}{% set x = 5 %}{{ x }}
{% for i in l %}{{ x }}{% endfor %}{% if t %}{% set x = 5 %}{% endif %}{{ x }}
{% for i in l %}{{ x }}{% endfor %}{% set x, v = 1, 2 %}
{% for i in l %}{{ x }}{% endfor %}{% for x in l %}{% endfor %}
{% for i in l %}{{ x }}{% endfor %}{% with x = 2 %}{{ x }}{% endwith %}
{% for i in l %}{% for j in l %}{{ x }}{% endfor %}{% set x = i %}{{ x }}{% endfor %}{{ x }}
{% for i in l %}{% for j in l %}{{ x }}{% endfor %}{% set x = i %}{% endfor %}{% set x = 1 %}
{% for i in [] %}{% else %}{% for j in l %}{{ x }}{% endfor %}{% set x = 1 %}{% endfor %}
{% set q %}{{ x }}{% endset %}{{ q }}{% set x = 5 %}
{% filter upper %}{{ s }}{% endfilter %}{% set s = 'b' %}
{% generation %}{{ s }}{% endgeneration %}{% set s %}b{% endset %}
{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% set x = 5 %}{{ m() }}
{% macro m(a=x) %}{{ a }}{{ s }}{% with %}{{ y }}{% endwith %}{% set y = 1 %}{% endmacro %}{{ m() }}{% set s = 1 %}
{% macro m() %}{{ x() }}{% endmacro %}{% macro x() %}X{% endmacro %}{{ m() }}
{% for i in l %}{{ ns.a }}{% endfor %}{% set ns.a = 1 %}
a{#
a {#-
  {% raw %}
{% for i in l %}{% if i == 3 %}{% set v = 1 %}{% endif %}{{ v }}{% endfor %}
{% if x is defined %}{% set y2 = x %}{% endif %}{{ y2 }}
{% if not tools is defined %}{% set tools = none %}{% endif %}{{ tools is none }}
{% set loop = 5 %}{{ loop }}
{% set loop_messages = messages %}{% for m in loop_messages[:1] %}{{ m.role }}{% endfor %}
{% set a = 1 -%}  x
{% set _ = namespace(x=1) %}{{ _.x }}
{% set self = 1 %}{{ self }}
{% set true = 1 %}
{% set None = 1 %}
{{ "a" if false }}|
{{ ("a" if false) ~ "b" }}
{{ ("a" if false).x }}
{% macro m(a) -%}   {{ a }}   {%- endmacro %}[{{ m(1) }}]
{% call(x) s.join(['a']) %}{% endcall %}
{%- set ns = namespace(is_first=true, text='') -%}{%- for m in messages -%}{%- if ns.is_first -%}{%- set ns.is_first = false -%}{%- set ns.text = ns.text ~ m.role -%}{%- endif -%}{%- endfor -%}{{ ns.text }}
{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}x{% else %}y{% endif %}{% endfor %}
{% for m in messages | reverse %}{{ m.role }}{% endfor %}
{% for a in [1,2,3] %}{% for b in [1,2] if b != a %}{{ a }}{{ b }}{{ loop.first }} {% endfor %}{% endfor %}
""".strip("\n").split("\n")


# Jinja2 renders these, Tarn says what it does not do: addresses in memory, integers of any size, seldom used members.
DIFFERENT = [
    ("{{ d.items }}", "a method cannot be written as text"),
    ("{{ s.upper }}", "a method cannot be written as text"),
    ("{{ ls | map('upper') }}", "a generator cannot be written as text; add |list"),
    ("{{ range }}", "a function cannot be written as text"),
    ("{{ s.encode() }}", "the attribute 'encode' of 'str' is not supported"),
    ("{{ x.real }}", "the attribute 'real' of 'int' is not supported"),
    ("{{ lipsum() }}", "the global 'lipsum' is not supported"),
    ("{{ s | pprint }}", "the filter 'pprint' is not supported"),
    ("{% autoescape true %}{% endautoescape %}", "the tag 'autoescape' is not supported"),
    ("{% block a %}{% endblock %}", "the tag 'block' is not supported"),
    ("{{ '\\N{DASH}' }}", "character names"),
    ("{{ 9223372036854775807 + 1 }}", "does not fit in 64 bits"),
    ("{{ 9223372036854775808 }}", "does not fit in 64 bits"),
    ("{{ 2 ** 64 }}", "does not fit in 64 bits"),
]


def snippets():
    for line in WHITESPACE:
        yield line.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("\\u00a0", "\u00a0").replace("\\u2003", "\u2003")
    for line in EXPRESSIONS:
        yield "{{ " + line + " }}"
    for line in STATEMENTS:
        yield line
