"""Compares our DICOM JSON with pydicom's, attribute by attribute, after taking away what both may write differently.

Reads lines "path<TAB>repaired<TAB>json" from the file named, where "repaired" says that we read text otherwise than its
label, which pydicom does not; prints each difference and a count; exit 1 when there was one.
"""
import base64
import json
import math
import struct
import sys
import warnings

import pydicom
import pydicom.datadict
from pydicom import config

warnings.simplefilter('ignore')
config.replace_un_with_known_vr = True
pydicom.datadict.private_dictionaries.clear()  # private attributes of implicit VR stay unknown, as the standard has it
BINARY = {'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'}
TEXT = {'AE', 'AS', 'CS', 'DA', 'DT', 'LO', 'LT', 'SH', 'ST', 'TM', 'UC', 'UI', 'UR', 'UT'}


def number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip() or None


def person(value):
    if not value:
        return {}
    if isinstance(value, str):
        value = {'Alphabetic': value}
    return {k: v.rstrip(' ') for k, v in value.items() if v and v.rstrip(' ')}


def normal(vr, value):
    """A value as both should have it."""
    if vr == 'SQ':
        return [attributes(item) for item in value]
    if vr == 'PN':
        return [person(v) for v in value]
    if vr in TEXT:
        return [(v.strip(' \0') if v else v) or None for v in value]
    if vr == 'AT':
        return [v.upper() for v in value]
    return [number(v) for v in value]


def attributes(data):
    out = {}
    for tag, attribute in data.items():
        if tag[4:] == '0000' or tag in ('00080005', 'FFFCFFFC') or tag.startswith('0002'):
            continue
        vr, value = attribute['vr'], attribute.get('Value', [])
        if vr in BINARY:
            out[tag] = ('bytes', attribute.get('InlineBinary'), 'BulkDataURI' in attribute)
            continue
        value = normal(vr, value)
        while value and value[-1] in (None, {}):
            value.pop()
        out[tag] = (vr, value)
    return out


def same_number(a, b):
    if isinstance(a, float) and isinstance(b, float):
        if a == b or math.isclose(a, b, rel_tol=1e-12):
            return True
        try:
            return struct.pack('<f', a) == struct.pack('<f', b)
        except OverflowError:
            return False
    return a == b


def explained(a, b, repaired):
    """Text that we repaired, and escapes that pydicom leaves in GB2312 text."""
    text = json.dumps(b[1], ensure_ascii=False)
    return a[0] in TEXT | {'PN'} and ((repaired and not text.isascii()) or '\\u001b' in text)


def differences(path, ours, theirs, repaired):
    for tag in sorted(set(ours) | set(theirs)):
        where = f'{path}{tag}'
        a, b = ours.get(tag), theirs.get(tag)
        if a is None or b is None:
            yield f'{where}: only {"theirs " + str(b)[:120] if a is None else "ours " + str(a)[:120]}'
        elif a[0] == 'bytes' or b[0] == 'bytes':
            if a[0] != b[0]:
                yield f'{where}: {a[0]} against {b[0]}'
            elif not a[2] and (a[1] or '') != (b[1] or ''):
                yield f'{where}: other bytes'
        elif a[0] != b[0]:
            yield f'{where}: VR {a[0]} against {b[0]}'
        elif a[0] == 'SQ':
            if len(a[1]) != len(b[1]):
                yield f'{where}: {len(a[1])} items against {len(b[1])}'
            for i, (x, y) in enumerate(zip(a[1], b[1]), 1):
                yield from differences(f'{where}/{i}/', x, y, repaired)
        elif explained(a, b, repaired):
            continue
        elif len(a[1]) != len(b[1]) or not all(same_number(x, y) for x, y in zip(a[1], b[1])):
            yield f'{where}: {str(a[1])[:120]} against {str(b[1])[:120]}'


def main():
    files = found = unreadable = 0
    for line in open(sys.argv[1], encoding='utf-8'):
        path, repaired, text = line.rstrip('\n').split('\t', 2)
        ours = attributes(json.loads(text))
        try:
            theirs = attributes(pydicom.dcmread(path, force=True).to_json_dict())
        except Exception as error:  # its own limits are not ours
            print(f'pydicom does not write {path}: {type(error).__name__}: {error}')
            unreadable += 1
            continue
        files += 1
        for difference in differences('', ours, theirs, repaired != '0'):
            print(f'{path}: {difference}')
            found += 1
    print(f'{files} files, {found} differences, {unreadable} not written by pydicom')
    return 1 if found or not files else 0


sys.exit(main())
