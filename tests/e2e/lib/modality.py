#!/usr/bin/env python3
"""A CT scanner and an ECG cart for the story: makes the files a modality would send, and reads its worklist.

    modality.py worklist FILE…          the answers findscu kept (-X), as a JSON list
    modality.py ct FOLDER < order.json  a series of axial slices of a phantom, a JSON list of file names
    modality.py ecg FOLDER < order.json a twelve-lead ECG of ten seconds

order.json: {accession, patient_id, patient_name, procedure, study_uid?, slices?, ecg?, extra?}. With `ecg` (a DICOM file) that recording is taken
and only its identity replaced; `extra` names real images which become a second series of the CT study.
Needs python3-pydicom, no numpy.
"""
import array
import json
import math
import os
import sys

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
ECG_CLASS = "1.2.840.10008.5.1.4.1.1.9.1.1"
SIDE = 256
HZ = 500
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
# MDC codes of the leads (PS3.16 CID 3001)
MDC = ["2:1", "2:2", "2:61", "2:62", "2:63", "2:64", "2:3", "2:4", "2:5", "2:6", "2:7", "2:8"]
# How high the R wave of each lead is, in mV: enough to tell the leads apart.
R_WAVE = [0.7, 1.1, 0.4, -0.9, 0.2, 0.7, -0.6, -0.3, 0.5, 1.2, 1.3, 1.0]


def new_file(folder, name, sop_class, order):
    """An empty instance with the identity the worklist gave."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(os.path.join(folder, name), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.is_little_endian, ds.is_implicit_VR = True, False
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    identify(ds, order)
    return ds


def identify(ds, order):
    ds.SpecificCharacterSet = "GB18030"  # what the modalities of the region send
    ds.PatientName = order["patient_name"]
    ds.PatientID = order["patient_id"]
    ds.PatientSex = "M"
    ds.PatientBirthDate = "19550902"
    ds.AccessionNumber = order["accession"]
    ds.StudyInstanceUID = order["study_uid"]
    ds.StudyID = "1"
    ds.StudyDate, ds.StudyTime = "20261121", "100000"
    ds.StudyDescription = order.get("procedure", "")
    ds.ReferringPhysicianName = ""


def slice_of(n, count):
    """A body, two lungs and a nodule that comes and goes through the stack, in Hounsfield units + 1024."""
    at = (n + 0.5) / count
    bulge = 0.75 + 0.25 * math.sin(math.pi * at)
    nodule = 14 * math.sin(math.pi * at) if 0.25 < at < 0.75 else 0
    pixels = array.array("h")
    for y in range(SIDE):
        v = (y - SIDE / 2) / (SIDE / 2)
        for x in range(SIDE):
            u = (x - SIDE / 2) / (SIDE / 2)
            hu = -1000
            if (u / (0.92 * bulge)) ** 2 + (v / (0.68 * bulge)) ** 2 < 1:
                hu = 40
                for side in (-0.42, 0.42):
                    if ((u - side) / (0.30 * bulge)) ** 2 + ((v + 0.03) / (0.46 * bulge)) ** 2 < 1:
                        hu = -780 + int(25 * math.sin(x * 0.9) * math.cos(y * 0.7))
                if (x - 182) ** 2 + (y - 140) ** 2 < nodule * nodule:
                    hu = 55
                if u * u + (v - 0.48) ** 2 < 0.014:
                    hu = 600
            pixels.append(hu + 1024)
    return pixels


def make_ct(folder, order):
    count = order.get("slices", 16)
    series, frame = generate_uid(), generate_uid()
    names = []
    for n in range(count):
        name = f"ct{n:03d}.dcm"
        ds = new_file(folder, name, CT_CLASS, order)
        ds.Modality, ds.Manufacturer = "CT", "Demo"
        ds.SeriesInstanceUID, ds.SeriesNumber = series, 1
        ds.SeriesDescription = "Chest 5.0"
        ds.FrameOfReferenceUID = frame
        ds.InstanceNumber = n + 1
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [-180, -180, -5 * n]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.SliceThickness, ds.SpacingBetweenSlices = "5", "5"
        ds.SliceLocation = str(-5 * n)
        ds.PixelSpacing = [1.40625, 1.40625]
        ds.Rows = ds.Columns = SIDE
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
        ds.WindowCenter, ds.WindowWidth = ["-500", "40"], ["1500", "400"]
        ds.WindowCenterWidthExplanation = ["LUNG", "SOFT"]
        ds.PixelData = slice_of(n, count).tobytes()
        ds.save_as(os.path.join(folder, name), write_like_original=False)
        names.append(name)
    return names + extra_series(folder, order)


def extra_series(folder, order):
    """Real images of whatever transfer syntax, their bytes untouched but for the identity."""
    series, names = generate_uid(), []
    for n, path in enumerate(order.get("extra", [])):
        ds = dcmread(path)
        identify(ds, order)
        ds.SeriesInstanceUID, ds.SeriesNumber, ds.SeriesDescription = series, 2, "As sent"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.InstanceNumber = n + 1
        name = f"extra{n:03d}.dcm"
        ds.save_as(os.path.join(folder, name), write_like_original=False)
        names.append(name)
    return names


def beat(t, height):
    """P, QRS and T of one heartbeat, millivolt; t in seconds from its start."""
    bump = lambda at, wide, high: high * math.exp(-(((t - at) / wide) ** 2))
    return bump(0.16, 0.025, 0.12) + bump(0.28, 0.009, height) - bump(0.305, 0.009, 0.18 * abs(height)) + bump(0.48, 0.05, 0.28 * (1 if height > 0 else -1))


def item(**values):
    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return ds


def code(value, scheme, meaning):
    return Sequence([item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def make_ecg(folder, order):
    if order.get("ecg"):
        ds = dcmread(order["ecg"])
        identify(ds, order)
        ds.SeriesInstanceUID = generate_uid()
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    else:
        ds = new_file(folder, "ecg.dcm", ECG_CLASS, order)
        ds.SeriesInstanceUID, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = generate_uid(), "ECG", 1, 1
        ds.AcquisitionDateTime = "20261121100000"
        ds.AcquisitionContextSequence = Sequence([])
        samples = array.array("h")
        for n in range(10 * HZ):
            t = (n / HZ) % 0.86
            samples.extend(int(1000 * beat(t, height)) for height in R_WAVE)  # 1 µV a step
        group = item(
            WaveformOriginality="ORIGINAL", NumberOfWaveformChannels=12, NumberOfWaveformSamples=10 * HZ, SamplingFrequency=str(HZ),
            MultiplexGroupLabel="RHYTHM", WaveformBitsAllocated=16, WaveformSampleInterpretation="SS",
            ChannelDefinitionSequence=Sequence([item(
                ChannelSourceSequence=code(mdc, "MDC", f"Lead {lead}"), ChannelSensitivity="1", ChannelSensitivityUnitsSequence=code("uV", "UCUM", "microvolt"),
                ChannelSensitivityCorrectionFactor="1", ChannelBaseline="0", ChannelSampleSkew="0", WaveformBitsStored=16,
                FilterLowFrequency="0.05", FilterHighFrequency="150") for lead, mdc in zip(LEADS, MDC)]))
        group.WaveformData = samples.tobytes()
        group["WaveformData"].VR = "OW"
        ds.WaveformSequence = Sequence([group])
    ds.save_as(os.path.join(folder, "ecg.dcm"), write_like_original=False)
    return ["ecg.dcm"]


def worklist(paths):
    out = []
    for path in paths:
        ds = dcmread(path, force=True)
        step = ds.ScheduledProcedureStepSequence[0] if "ScheduledProcedureStepSequence" in ds else Dataset()
        out.append({
            "accession": ds.get("AccessionNumber", ""), "patient_id": ds.get("PatientID", ""), "patient_name": str(ds.get("PatientName", "")),
            "procedure": ds.get("RequestedProcedureDescription", ""), "study_uid": ds.get("StudyInstanceUID", ""), "modality": step.get("Modality", ""),
        })
    return out


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "worklist":
        answer = worklist(rest)
    else:
        order = json.load(sys.stdin)
        order["study_uid"] = order.get("study_uid") or generate_uid()
        answer = {"ct": make_ct, "ecg": make_ecg}[what](rest[0], order)
    json.dump(answer, sys.stdout)


main()
